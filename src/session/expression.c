#include "session/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

enum term_kind {
    NUMBER,
    NAME,
    NEGATE,
    NOT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    POWER,
    LESS,
    LESS_EQUAL,
    MORE,
    MORE_EQUAL,
    EQUAL,
    UNEQUAL,
    AND,
    OR,
    CALL,
    HISTORY
};

static const double longest_history = 1e9;

enum history { HISTORY_MIN, HISTORY_MAX, HISTORY_MEAN, HISTORY_EMA, HISTORY_DELTA };

struct term {
    enum term_kind kind;
    double number;
    const char *name; /* full */
    int function;     /* of functions[], or an enum history */
    int height;       /* of the tree below it: what is evaluated calls itself as often */
    struct term *left, *right;
};

struct expression {
    struct arena *arena;
    const char *text;
    const struct expression_scope *scope;
    struct term *root;
};

enum { MAX_DEPTH = 200, MAX_HEIGHT = 4000, MAX_LOOKS = 2000 };

struct parser {
    struct expression *expression;
    const char *text, *at;
    int depth, looks; /* names that were looked for */
    struct error *error;
    int code;
};

static double not_finite(double x) {
    return !isfinite(x);
}

static const struct function {
    const char *name;
    double (*call)(double);
} functions[] = {{"abs", fabs}, {"sqrt", sqrt}, {"exp", exp}, {"log", log}, {"log10", log10}, {"nan", not_finite}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const char *const histories[] = {"min", "max", "mean", "ema", "delta"};
enum { HISTORIES = sizeof histories / sizeof *histories };

/* ---------------------------------------------------------------- parsing */

static struct term *fail(struct parser *parser, const char *at, const char *what) {
    if (!parser->code)
        parser->code = error_set(parser->error, ERROR_VALUE, "column %d of \"%.200s\": %s",
                                 (int)(at - parser->text) + 1, parser->text, what);
    return NULL;
}

static void skip(struct parser *parser) {
    parser->at += strspn(parser->at, " \t\r\n");
}

static struct term *term_new(struct parser *parser, enum term_kind kind, struct term *left, struct term *right) {
    struct term *term = arena_alloc(parser->expression->arena, sizeof *term);
    if (!term)
        return fail(parser, parser->at, "out of memory");
    int below = left ? left->height : 0;
    below = right && right->height > below ? right->height : below;
    *term = (struct term){.kind = kind, .left = left, .right = right, .height = below + 1};
    return below < MAX_HEIGHT ? term : fail(parser, parser->at, "too long");
}

static int is_name_start(int c) {
    return isalpha(c) || c == '_';
}

static int is_name_part(int c) {
    return isalnum(c) || c == '_' || c == '/' || c == '.' || c == ':';
}

static int takes_word(struct parser *parser, const char *word) {
    size_t size = strlen(word);
    skip(parser);
    if (strncmp(parser->at, word, size) ||
        (isalpha((unsigned char)*word) && is_name_part((unsigned char)parser->at[size])))
        return 0;
    parser->at += size;
    return 1;
}

static struct term *parse_or(struct parser *parser);

/* The longest known name that the text begins with, cut at a / or a . or at its end. */
static struct term *parse_name(struct parser *parser) {
    const struct expression_scope *scope = parser->expression->scope;
    const char *begin = parser->at;
    size_t size = 0, longest;
    char name[256], full[256];
    while (size < sizeof name && is_name_part((unsigned char)begin[size])) /* none is as long as this */
        size++;
    longest = size;
    while (size > 0) {
        if (size < sizeof name) {
            if (++parser->looks > MAX_LOOKS)
                return fail(parser, begin, "too many names");
            snprintf(name, sizeof name, "%.*s", (int)size, begin);
            if (!scope->resolve(scope->context, name, full, NULL)) {
                struct term *term = term_new(parser, NAME, NULL, NULL);
                parser->at = begin + size;
                if (term && !(term->name = arena_string(parser->expression->arena, full)))
                    return fail(parser, begin, "out of memory");
                return term;
            }
        }
        for (size--; size > 0 && begin[size] != '/' && begin[size] != '.';)
            size--;
    }
    struct error why = {0};
    snprintf(name, sizeof name, "%.*s", (int)longest, begin);
    scope->resolve(scope->context, name, full, &why);
    return fail(parser, begin, why.message);
}

static struct term *parse_quoted(struct parser *parser) {
    const struct expression_scope *scope = parser->expression->scope;
    const char *begin = ++parser->at, *end = strchr(begin, '\'');
    struct error why = {0};
    char name[256], full[256];
    if (!end || end - begin >= (int)sizeof name)
        return fail(parser, begin - 1, "a quotation that does not end");
    snprintf(name, sizeof name, "%.*s", (int)(end - begin), begin);
    if (scope->resolve(scope->context, name, full, &why))
        return fail(parser, begin, why.message);
    struct term *term = term_new(parser, NAME, NULL, NULL);
    parser->at = end + 1;
    if (term)
        term->name = arena_string(parser->expression->arena, full);
    return term;
}

static struct term *close_call(struct parser *parser, struct term *term) {
    if (term && !takes_word(parser, ")"))
        return fail(parser, parser->at, "a ) is expected");
    return term;
}

/* min(a, b) of two numbers, min(name, n) of a history. */
static struct term *parse_history(struct parser *parser, int which) {
    const char *begin = parser->at;
    struct term *first = parse_or(parser), *second = NULL;
    if (!first)
        return NULL;
    if (takes_word(parser, ","))
        second = parse_or(parser);
    else if (which != HISTORY_DELTA)
        return fail(parser, parser->at, "a , and a number of values are expected");
    if (parser->code)
        return NULL;
    if (first->kind != NAME || (which <= HISTORY_MAX && second->kind != NUMBER)) {
        if (which > HISTORY_MAX)
            return fail(parser, begin, "a name is expected: a history is one of a name");
        struct term *term = term_new(parser, CALL, first, second);
        if (term)
            term->function = FUNCTIONS + which;
        return close_call(parser, term);
    }
    if (second && !(second->kind == NUMBER && second->number >= 1 && second->number <= longest_history &&
                    second->number == floor(second->number)))
        return fail(parser, begin, "the length of a history is a whole number from 1 to 1e9");
    struct term *term = term_new(parser, HISTORY, first, NULL);
    if (term) {
        term->function = which;
        term->number = second ? second->number : 1;
    }
    return close_call(parser, term);
}

static int is_call(const char *at, const char *name) {
    size_t size = strlen(name);
    return !strncmp(at, name, size) && at[size + strspn(at + size, " \t")] == '(';
}

static struct term *parse_primary(struct parser *parser) {
    skip(parser);
    const char *at = parser->at;
    if (takes_word(parser, "("))
        return close_call(parser, parse_or(parser));
    if (*at == '\'')
        return parse_quoted(parser);
    if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1]))) {
        size_t size = strspn(at, "0123456789.");
        if ((at[size] == 'e' || at[size] == 'E') &&
            isdigit((unsigned char)at[size + 1 + (at[size + 1] == '-' || at[size + 1] == '+')])) {
            size += 2;
            size += strspn(at + size, "0123456789");
        }
        struct term *term = term_new(parser, NUMBER, NULL, NULL);
        if (term && isnan(term->number = text_to_double(at, size)))
            return fail(parser, at, "this is no number");
        parser->at = at + size;
        return term;
    }
    for (int k = 0; k < FUNCTIONS + HISTORIES; k++) {
        const char *name = k < FUNCTIONS ? functions[k].name : histories[k - FUNCTIONS];
        if (!is_call(at, name))
            continue;
        parser->at = strchr(at, '(') + 1;
        if (k >= FUNCTIONS)
            return parse_history(parser, k - FUNCTIONS);
        struct term *argument = parse_or(parser), *term = argument ? term_new(parser, CALL, argument, NULL) : NULL;
        if (term)
            term->function = k;
        return close_call(parser, term);
    }
    if (is_name_start((unsigned char)*at))
        return parse_name(parser);
    return fail(parser, at,
                *at ? "a number, a name or a ( is expected" : "it ends where a number or a name is expected");
}

static struct term *parse_unary(struct parser *parser);

static struct term *parse_power(struct parser *parser) {
    struct term *left = parse_primary(parser);
    if (left && takes_word(parser, "^")) {
        struct term *right = parse_unary(parser); /* from the right: 2^3^2 is 2^9 */
        left = right ? term_new(parser, POWER, left, right) : NULL;
    }
    return left;
}

static struct term *parse_unary(struct parser *parser) {
    struct term *term;
    if (++parser->depth > MAX_DEPTH)
        return fail(parser, parser->at, "too deep");
    if (takes_word(parser, "-"))
        term = (term = parse_unary(parser)) ? term_new(parser, NEGATE, term, NULL) : NULL;
    else
        term = parse_power(parser);
    parser->depth--;
    return term;
}

struct binary {
    const char *word;
    enum term_kind kind;
};

/* Operators of the table, from the left. */
static struct term *parse_left(struct parser *parser, const struct binary *table, int count,
                               struct term *(*operand)(struct parser *)) {
    struct term *left = operand(parser);
    for (int k = 0; left && k < count; k++)
        if (takes_word(parser, table[k].word)) {
            struct term *right = operand(parser);
            left = right ? term_new(parser, table[k].kind, left, right) : NULL;
            k = -1;
        }
    return left;
}

static struct term *parse_product(struct parser *parser) {
    static const struct binary table[] = {{"*", MULTIPLY}, {"/", DIVIDE}};
    return parse_left(parser, table, 2, parse_unary);
}

static struct term *parse_sum(struct parser *parser) {
    static const struct binary table[] = {{"+", ADD}, {"-", SUBTRACT}};
    return parse_left(parser, table, 2, parse_product);
}

static struct term *parse_comparison(struct parser *parser) {
    static const struct binary table[] = {{"<=", LESS_EQUAL}, {">=", MORE_EQUAL}, {"==", EQUAL},
                                          {"!=", UNEQUAL},    {"<", LESS},        {">", MORE}};
    return parse_left(parser, table, 6, parse_sum);
}

static struct term *parse_not(struct parser *parser) {
    if (takes_word(parser, "not")) {
        if (++parser->depth > MAX_DEPTH)
            return fail(parser, parser->at, "too deep");
        struct term *term = parse_not(parser);
        parser->depth--;
        return term ? term_new(parser, NOT, term, NULL) : NULL;
    }
    return parse_comparison(parser);
}

static struct term *parse_and(struct parser *parser) {
    static const struct binary table[] = {{"and", AND}, {"&&", AND}};
    return parse_left(parser, table, 2, parse_not);
}

static struct term *parse_or(struct parser *parser) {
    static const struct binary table[] = {{"or", OR}, {"||", OR}};
    if (++parser->depth > MAX_DEPTH)
        return fail(parser, parser->at, "too deep");
    struct term *term = parse_left(parser, table, 2, parse_and);
    parser->depth--;
    return term;
}

int expression_new(struct expression **out, const char *text, const struct expression_scope *scope,
                   struct error *error) {
    struct expression *expression = calloc(1, sizeof *expression);
    *out = NULL;
    if (expression)
        expression->arena = arena_new();
    if (!expression || !expression->arena || !(expression->text = arena_string(expression->arena, text))) {
        expression_free(expression);
        return error_memory(error);
    }
    expression->scope = scope;
    struct parser parser = {.expression = expression, .text = expression->text, .at = expression->text, .error = error};
    expression->root = parse_or(&parser);
    skip(&parser);
    if (!parser.code && *parser.at)
        fail(&parser, parser.at, "an operator or the end is expected");
    int code = arena_result(expression->arena, parser.code, error);
    if (code) {
        expression_free(expression);
        return code;
    }
    *out = expression;
    return 0;
}

void expression_bind(struct expression *expression, const struct expression_scope *scope) {
    expression->scope = scope;
}

void expression_free(struct expression *expression) {
    if (!expression)
        return;
    if (expression->arena)
        arena_free(expression->arena);
    free(expression);
}

const char *expression_text(const struct expression *expression) {
    return expression->text;
}

static void each_history(const struct term *term, void (*call)(void *context, const char *name), void *context) {
    if (!term)
        return;
    if (term->kind == HISTORY)
        call(context, term->left->name);
    each_history(term->left, call, context);
    each_history(term->right, call, context);
}

void expression_histories(const struct expression *expression, void (*call)(void *context, const char *name),
                          void *context) {
    each_history(expression->root, call, context);
}

/* ---------------------------------------------------------------- values */

static double history_value(const struct series *series, int which, size_t length) {
    if (!series || !series->count)
        return NAN;
    size_t count = length < series->count ? length : series->count;
    const double *values = series->values + series->count - count;
    double sum = 0, weight = 0, least = INFINITY, most = -INFINITY, keep = 1 - 1.0 / (double)length;
    if (which == HISTORY_DELTA)
        return series->count > length ? values[count - 1] - series->values[series->count - 1 - length] : NAN;
    for (size_t k = 0; k < count; k++) {
        least = fmin(least, values[k]);
        most = fmax(most, values[k]);
        sum = which == HISTORY_EMA ? keep * sum + (1 - keep) * values[k] : sum + values[k];
        weight = which == HISTORY_EMA ? keep * weight + (1 - keep) : weight + 1;
    }
    return which == HISTORY_MIN ? least : which == HISTORY_MAX ? most : sum / weight;
}

static double evaluate(const struct expression_scope *scope, const struct term *term) {
    if (term->kind == NUMBER)
        return term->number;
    if (term->kind == NAME)
        return scope->value(scope->context, term->name);
    if (term->kind == HISTORY)
        return history_value(scope->series(scope->context, term->left->name), term->function, (size_t)term->number);
    double a = evaluate(scope, term->left), b = term->right ? evaluate(scope, term->right) : 0;
    switch (term->kind) {
    case NEGATE:
        return -a;
    case NOT:
        return !(a != 0 && !isnan(a));
    case ADD:
        return a + b;
    case SUBTRACT:
        return a - b;
    case MULTIPLY:
        return a * b;
    case DIVIDE:
        return a / b;
    case POWER:
        return pow(a, b);
    case LESS:
        return a < b;
    case LESS_EQUAL:
        return a <= b;
    case MORE:
        return a > b;
    case MORE_EQUAL:
        return a >= b;
    case EQUAL:
        return a == b;
    case UNEQUAL:
        return a < b || a > b;
    case AND:
        return a != 0 && b != 0 && !isnan(a) && !isnan(b);
    case OR:
        return (a != 0 && !isnan(a)) || (b != 0 && !isnan(b));
    case CALL:
        return term->function < FUNCTIONS                  ? functions[term->function].call(a)
               : term->function == FUNCTIONS + HISTORY_MIN ? fmin(a, b)
                                                           : fmax(a, b);
    case NUMBER:
    case NAME:
    case HISTORY:
        break;
    }
    return NAN;
}

double expression_value(const struct expression *expression) {
    return evaluate(expression->scope, expression->root);
}
