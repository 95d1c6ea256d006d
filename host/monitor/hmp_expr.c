/* SPDX-License-Identifier: BSD-2-Clause */
#include "hmp_expr.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_NAME = 32 }; /* of ((((~~- */

struct expr {
    const char *at;
    int (*reg)(void *o, const char *name, uint64_t *v);
    void *o;
    uint32_t depth;
    struct tn_err *e;
};

static int logic(struct expr *x, uint64_t *v);

static void skip_blanks(struct expr *x)
{
    while (isspace((unsigned char)*x->at))
        x->at++;
}

static int character(struct expr *x, uint64_t *v)
{
    if (!*++x->at)
        return err_set(x->e, EINVAL, "character constant expected");
    *v = (unsigned char)*x->at++;
    if (*x->at != '\'')
        return err_set(x->e, EINVAL, "missing terminating ' character");
    x->at++;
    return 0;
}

static int is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static int register_of(struct expr *x, uint64_t *v)
{
    char name[MAX_NAME];
    size_t n = 0;
    for (x->at++; is_name(*x->at); x->at++)
        if (n < sizeof name - 1)
            name[n++] = *x->at;
    name[n] = 0;
    return x->reg(x->o, name, v) ? err_set(x->e, EINVAL, "unknown register") : 0;
}

static int number(struct expr *x, uint64_t *v)
{
    char *end;
    if (!*x->at)
        return err_set(x->e, EINVAL, "unexpected end of expression");
    if (!isdigit((unsigned char)*x->at)) /* strtoull would take a sign */
        return err_set(x->e, EINVAL, "invalid char '%c' in expression",
                       isprint((unsigned char)*x->at) ? *x->at : '?');
    errno = 0;
    *v = strtoull(x->at, &end, 0);
    x->at = end;
    return errno == ERANGE ? err_set(x->e, EINVAL, "number too large") : 0;
}

static int parentheses(struct expr *x, uint64_t *v)
{
    x->at++;
    if (logic(x, v) < 0)
        return -EINVAL;
    if (*x->at != ')')
        return err_set(x->e, EINVAL, "')' expected");
    x->at++;
    return 0;
}

static int unary(struct expr *x, uint64_t *v);

static int negated(struct expr *x, uint64_t *v)
{
    char op = *x->at++;
    if (unary(x, v) < 0)
        return -EINVAL;
    *v = op == '-' ? -*v : op == '~' ? ~*v : *v;
    return 0;
}

static int operand(struct expr *x, uint64_t *v)
{
    switch (*x->at) {
    case '+':
    case '-':
    case '~':
        return negated(x, v);
    case '(':
        return parentheses(x, v);
    case '\'':
        return character(x, v);
    case '$':
        return register_of(x, v);
    default:
        return number(x, v);
    }
}

static int unary(struct expr *x, uint64_t *v)
{
    if (x->depth == MAX_DEPTH)
        return err_set(x->e, EINVAL, "expression too deep");
    x->depth++;
    skip_blanks(x);
    int r = operand(x, v);
    skip_blanks(x);
    x->depth--;
    return r;
}

static int product(struct expr *x, uint64_t *v)
{
    int r = unary(x, v);
    while (r == 0 && *x->at && strchr("*/%", *x->at)) {
        char op = *x->at++;
        uint64_t by = 0;
        r = unary(x, &by);
        if (r == 0 && op != '*' && by == 0)
            return err_set(x->e, EINVAL, "division by zero");
        if (r == 0)
            *v = op == '*' ? *v * by : op == '/' ? *v / by : *v % by;
    }
    return r;
}

static int sum(struct expr *x, uint64_t *v)
{
    int r = product(x, v);
    while (r == 0 && (*x->at == '+' || *x->at == '-')) {
        char op = *x->at++;
        uint64_t by = 0;
        r = product(x, &by);
        *v = op == '+' ? *v + by : *v - by;
    }
    return r;
}

static int logic(struct expr *x, uint64_t *v)
{
    int r = sum(x, v);
    while (r == 0 && *x->at && strchr("&|^", *x->at)) {
        char op = *x->at++;
        uint64_t by = 0;
        r = sum(x, &by);
        *v = op == '&' ? *v & by : op == '|' ? *v | by : *v ^ by;
    }
    return r;
}

int hmp_expr(const char **at, int (*reg)(void *o, const char *name, uint64_t *v), void *o,
             uint64_t *v, struct tn_err *e)
{
    struct expr x = {*at, reg, o, 0, e};
    *v = 0;
    int r = logic(&x, v);
    *at = x.at;
    return r;
}
