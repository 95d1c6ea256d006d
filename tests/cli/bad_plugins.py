# SPDX-License-Identifier: BSD-2-Clause
"""Files that -plugin must refuse: plugin.c compiled with one thing wrong, and files that are no plugin at all."""
import subprocess

FLAGS = ['-std=gnu11', '-O1', '-fPIC', '-shared', '-nostartfiles', '-fvisibility=hidden', '-Wl,-z,defs', '-Wl,-z,now']

# name: (preprocessor definitions, what the refusal must name)
WRONG = {
    'other major': (['MAJOR=2'], 'ABI 2.0'),
    'newer host wanted': (['MIN_MINOR=99'], '1.99'),
    'missing need': (['NEED="tenon.nosuch/1"'], "'tenon.nosuch/1'"),
    'no symbol': (['SYMBOL=tn_plugin_v9'], 'tn_plugin_v1'),
    'short description': (['PLUGIN_SIZE=8'], '8 bytes'),
    'long description': (['PLUGIN_SIZE=4096'], '4096 bytes, and it has'),
    'short class': (['CLASS_SIZE=16'], '16 bytes'),
    'class beyond the file': (['CLASS_SIZE=0x7ffffff0'], '2147483632 bytes: more than the file'),
    'list without an end': (['ENDLESS'], 'its list of classes has no end'),
    'class without a name': (['CLASS_NAME=""'], 'no name'),
    'class with a line for a name': ([r'CLASS_NAME="a\nb"'], 'no name for a class'),
    'endless properties': (['NPROPS=0xffffffff'], '4294967295 properties: more than the file'),
    'more properties than there are': (['NPROPS=1000'], '1000 properties: more than the file'),
    'property twice': (['NPROPS=2'], "'port'"),
    'property of a wrong size': (['PROP_SIZE=8'], "'port'"),
}


def build(cc, include, source, to, definitions):
    subprocess.run([*cc, *FLAGS, f'-I{include}', *(f'-D{d}' for d in definitions), source, '-o', to], check=True)
