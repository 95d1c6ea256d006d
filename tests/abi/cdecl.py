# SPDX-License-Identifier: BSD-2-Clause
"""A small parser for the public headers: structs with members and comments, enumerators, object-like macros.

It knows just the C that the ABI rules allow. What it does not know (a union, a nested struct, a bitfield) is an error,
since the ABI forbids it too.
"""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[A-Za-z_]\w*|\d\w*|\.\.\.|<<|>>|[^\s\w]', re.S)
DIRECTIVE = re.compile(r'^[ \t]*#[ \t]*(\w+)((?:\\\n|(?!/\*)[^\n])*)', re.M)
TAG = re.compile(r'\[(main|vcpu|ctx|any|worker|leaf)\b')


@dataclass
class Member:
    name: str
    tokens: list       # of the declaration of this one member, its name among them
    doc: str = ''
    function: bool = False

    def typedef(self, alias):
        """C text that makes alias a name for this member's type."""
        at = self.tokens.index(self.name)
        return 'typedef ' + ' '.join(self.tokens[:at] + [alias] + self.tokens[at + 1:]) + ';'


@dataclass
class Struct:
    name: str
    doc: str
    members: list = field(default_factory=list)

    @property
    def forwarded(self):
        return 'FWD' in self.doc

    @property
    def sized(self):
        return bool(self.members) and self.members[0].name == 'struct_size'


@dataclass
class Header:
    structs: dict
    enums: list        # names, in order
    macros: dict       # object-like: name -> replacement text


def is_comment(token):
    return token.startswith('/*')


def split_members(tokens):
    """One Member per declarator of one declaration (tokens without ';')."""
    for i in range(len(tokens) - 3):
        if tokens[i:i + 2] == ['(', '*'] and tokens[i + 3] == ')':
            return [Member(tokens[i + 2], drop_attributes(tokens), function=True)]
    if '(' in tokens or '{' in tokens or ':' in tokens:
        raise SyntaxError('not allowed in a struct of the ABI: ' + ' '.join(tokens))
    pieces, piece = [], []
    for t in tokens:
        if t == ',':
            pieces.append(piece)
            piece = []
        else:
            piece.append(t)
    pieces.append(piece)
    base_len = next(i for i, t in enumerate(pieces[0]) if t == '*' or i == declared_at(pieces[0]))
    base = pieces[0][:base_len]
    return [Member(p[declared_at(p)], p) for p in [pieces[0]] + [base + p for p in pieces[1:]]]


def declared_at(tokens):
    """Index of the declared name: the last identifier outside brackets."""
    end = tokens.index('[') if '[' in tokens else len(tokens)
    return max(i for i in range(end) if re.match(r'[A-Za-z_]', tokens[i]))


def drop_attributes(tokens):
    at = next((i for i, t in enumerate(tokens) if t.startswith('TN_')), None)
    return tokens if at is None or '[' in tokens[:at] else tokens[:at]


def read_struct(tokens, i, name, doc):
    """tokens[i] is behind the '{'; returns the struct and the index behind the '}'."""
    s, decl, lead, last = Struct(name, doc), [], '', []
    while tokens[i] != '}' or decl:
        t = tokens[i]
        i += 1
        if is_comment(t):
            if t.startswith('/**<'):
                for m in last:
                    m.doc += t
            else:
                lead += t
        elif t == ';':
            last = split_members(decl)
            for m in last:
                m.doc = lead
            s.members += last
            decl, lead = [], ''
        else:
            decl.append(t)
    return s, i + 1


def read_enum(tokens, i):
    names, want = [], True
    while tokens[i] != '}':
        t = tokens[i]
        if want and not is_comment(t):
            names.append(t)
            want = False
        want = want or t == ','
        i += 1
    return names, i + 1


def parse(text):
    macros = {}
    for kind, rest in DIRECTIVE.findall(text):
        m = re.match(r'[ \t]+(\w+)(\(?)(.*)', rest, re.S)
        if kind == 'define' and m and not m.group(2) and m.group(3).strip():
            macros[m.group(1)] = ' '.join(m.group(3).split())
    tokens = TOKEN.findall(DIRECTIVE.sub('', text))
    structs, enums, doc, i = {}, [], '', 0
    while i < len(tokens):
        t = tokens[i]
        if t == 'struct' and tokens[i + 2:i + 3] == ['{']:
            structs[tokens[i + 1]], i = read_struct(tokens, i + 3, tokens[i + 1], doc)
            doc = ''
        elif t == 'enum' and tokens[i + 1] == '{':
            names, i = read_enum(tokens, i + 2)
            enums += names
            doc = ''
        else:
            doc = t if t.startswith('/** ') else '' if t == ';' else doc
            i += 1
    return Header(structs, enums, macros)


def parse_file(path):
    with open(path, encoding='utf-8') as f:
        return parse(f.read())


def merge(paths):
    """All headers as one; a name defined twice is an error."""
    all_ = Header({}, [], {})
    for p in paths:
        h = parse_file(p)
        twice = (all_.structs.keys() & h.structs.keys()) | (set(all_.enums) & set(h.enums)) | \
            (all_.macros.keys() & h.macros.keys())
        if twice:
            raise SyntaxError(f'{p}: defined elsewhere too: {", ".join(sorted(twice))}')
        all_.structs.update(h.structs)
        all_.enums += h.enums
        all_.macros.update(h.macros)
    return all_
