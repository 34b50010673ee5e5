#include "config/interpolation.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"

enum { MOST_ARGUMENTS = 64, MOST_NESTED = 24 };

struct scanner {
    struct interpolation *evaluation;
    const char *at;
    int raw;    /* interpolations are copied, not computed */
    int nested; /* brackets and interpolations we are inside of */
};

static struct config_node *interpolation(struct scanner *scanner);
static struct config_node *element(struct scanner *scanner, const char *stops);

static const struct config_node *place_of(const struct scanner *scanner) {
    return scanner->evaluation->frame->node;
}

static struct config_node *fail(struct scanner *scanner, const char *format, ...) __attribute__((format(printf, 2, 3)));

static struct config_node *fail(struct scanner *scanner, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    print_to_v(message, sizeof message, format, args);
    va_end(args);
    const struct config_node *place = place_of(scanner);
    config_error(place, scanner->evaluation->error, ERROR_SYNTAX, "%s, in \"%.120s\"", message, place->text);
    return NULL;
}

static void skip_space(struct scanner *scanner) {
    scanner->at += strspn(scanner->at, " \t\r\n");
}

static int enter(struct scanner *scanner) {
    if (++scanner->nested <= MOST_NESTED)
        return 0;
    fail(scanner, "more than %d brackets in each other", MOST_NESTED);
    return 1;
}

static struct config_node *make_string(struct scanner *scanner, const struct text *text) {
    if (text->failed) {
        error_memory(scanner->evaluation->error);
        return NULL;
    }
    return tree_string(scanner->evaluation->config, text->data ? text->data : "", text->size, place_of(scanner),
                       scanner->evaluation->error);
}

/* A value that depends on a statistic, standing for the whole text that it is part of. */
static struct config_node *make_deferred(struct scanner *scanner) {
    const struct config_node *place = place_of(scanner);
    struct interpolation *evaluation = scanner->evaluation;
    struct config_node *node = tree_new(evaluation->config, CONFIG_DEFERRED, place, evaluation->error);
    if (node)
        node->text = place->text;
    return node;
}

/* ---------------------------------------------------------------- pieces of text */

/* What the pieces of a text add up to: one value where the text is nothing but one interpolation, else a string. */
struct pieces {
    struct text text;
    struct config_node *only; /* the value of the only piece so far */
    size_t count;
    int plain; /* nothing but unescaped characters */
    int deferred;
};

static void add_bytes(struct pieces *pieces, const char *bytes, size_t size) {
    if (!size)
        return;
    text_add_bytes(&pieces->text, bytes, size);
    pieces->count++;
    pieces->only = NULL;
}

static int add_interpolation(struct scanner *scanner, struct pieces *pieces) {
    const char *start = scanner->at;
    struct config_node *value = interpolation(scanner);
    if (!value)
        return -1;
    pieces->plain = 0;
    if (scanner->raw) {
        add_bytes(pieces, start, (size_t)(scanner->at - start));
        return 0;
    }
    pieces->deferred |= tree_has_deferred(value);
    write_python(value, 0, &pieces->text);
    pieces->only = pieces->count++ ? NULL : value;
    if (pieces->text.size > CONFIG_BYTES) {
        fail(scanner, "the text grows beyond %d MiB", CONFIG_BYTES >> 20);
        return -1;
    }
    return 0;
}

static struct config_node *finish(struct scanner *scanner, struct pieces *pieces) {
    struct config_node *node = NULL;
    if (pieces->count == 1 && pieces->only)
        node = pieces->only;
    else if (pieces->deferred)
        node = make_deferred(scanner);
    else
        node = make_string(scanner, &pieces->text);
    text_free(&pieces->text);
    return node;
}

/* Backslashes count only before ${ and before the quote that would end the text: there each pair is one, and one that
 * is left over takes the meaning from what follows.  Returns 1 if it consumed something. */
static int add_backslashes(struct scanner *scanner, struct pieces *pieces, char quote) {
    size_t run = strspn(scanner->at, "\\");
    const char *next = scanner->at + run;
    int opens = next[0] == '$' && next[1] == '{', closes = quote && *next == quote;
    if (!run)
        return 0;
    if (scanner->raw && !closes) { /* kept for the time when the text is computed */
        size_t whole = run + (opens && run % 2 ? 2 : 0);
        add_bytes(pieces, scanner->at, whole);
        scanner->at += whole;
        return 1;
    }
    add_bytes(pieces, scanner->at, opens || closes ? run / 2 : run);
    scanner->at = next;
    if (run % 2 && (opens || closes)) {
        add_bytes(pieces, next, opens ? 2 : 1);
        scanner->at += opens ? 2 : 1;
    }
    pieces->plain = 0;
    return 1;
}

struct config_node *evaluate_text(struct interpolation *evaluation, const char *text) {
    struct scanner scanner = {.evaluation = evaluation, .at = text};
    struct pieces pieces = {0};
    while (*scanner.at) {
        if (add_backslashes(&scanner, &pieces, 0))
            continue;
        if (scanner.at[0] == '$' && scanner.at[1] == '{') {
            if (add_interpolation(&scanner, &pieces)) {
                text_free(&pieces.text);
                return NULL;
            }
            continue;
        }
        size_t size = 1 + strcspn(scanner.at + 1, "\\$");
        add_bytes(&pieces, scanner.at, size);
        scanner.at += size;
    }
    return finish(&scanner, &pieces);
}

static struct config_node *quoted(struct scanner *scanner) {
    struct pieces pieces = {0};
    char quote = *scanner->at++, ends[] = {'\\', '$', quote, 0};
    while (*scanner->at && *scanner->at != quote) {
        if (add_backslashes(scanner, &pieces, quote))
            continue;
        if (scanner->at[0] == '$' && scanner->at[1] == '{') {
            if (add_interpolation(scanner, &pieces)) {
                text_free(&pieces.text);
                return NULL;
            }
            continue;
        }
        size_t size = 1 + strcspn(scanner->at + 1, ends);
        add_bytes(&pieces, scanner->at, size);
        scanner->at += size;
    }
    if (!*scanner->at) {
        text_free(&pieces.text);
        return fail(scanner, "the quote %c is not closed", quote);
    }
    scanner->at++;
    /* in quotes even a lone interpolation is a string */
    if (pieces.only && !pieces.deferred)
        pieces.only = NULL;
    return finish(scanner, &pieces);
}

/* ---------------------------------------------------------------- elements */

/* Characters that a word without quotes may have. */
static int is_word(const char *at) {
    return isalnum((unsigned char)*at) || strchr("_/-\\+.$%*@?|:", *at);
}

static struct config_node *primitive(struct scanner *scanner, const char *stops) {
    struct pieces pieces = {.plain = 1};
    size_t spaces = 0; /* that may turn out to be trailing */
    while (*scanner->at && !strchr(stops, *scanner->at)) {
        const char *at = scanner->at;
        if (*at == ' ' || *at == '\t') {
            spaces++;
            scanner->at++;
            continue;
        }
        if (!is_word(at)) {
            int size = 1;
            while (((unsigned char)at[size] & 0xc0) == 0x80)
                size++;
            text_free(&pieces.text);
            return fail(scanner, "%.*s cannot stand inside a word: put the word in quotes", size, at);
        }
        add_bytes(&pieces, at - spaces, spaces);
        spaces = 0;
        if (at[0] == '$' && at[1] == '{') {
            if (add_interpolation(scanner, &pieces)) {
                text_free(&pieces.text);
                return NULL;
            }
        } else if (*at == '\\' && at[1] && strchr("\\()[]{}:=, \t", at[1])) {
            add_bytes(&pieces, at + 1, 1);
            pieces.plain = 0;
            scanner->at += 2;
        } else if (scanner->raw && *at == '\\' && at[1] == '$' && at[2] == '{') {
            add_bytes(&pieces, at, 1);
            scanner->at++;
            if (add_interpolation(scanner, &pieces)) {
                text_free(&pieces.text);
                return NULL;
            }
        } else {
            add_bytes(&pieces, at, 1);
            scanner->at++;
        }
    }
    int plain = pieces.plain && pieces.text.size;
    struct config_node *node = finish(scanner, &pieces);
    if (node && plain)
        scalar_type_element(node);
    return node;
}

static struct config_node *list_element(struct scanner *scanner) {
    struct interpolation *evaluation = scanner->evaluation;
    struct config_node *list = tree_new(evaluation->config, CONFIG_LIST, place_of(scanner), evaluation->error);
    if (!list || enter(scanner))
        return NULL;
    scanner->at++;
    skip_space(scanner);
    /* OmegaConf takes nothing between commas for an empty text, Hydra takes offence */
    for (int open = 0; open || *scanner->at != ']';) {
        if (scanner->raw && strchr(",]", *scanner->at))
            return fail(scanner, "a value is missing beside a comma");
        struct config_node *value = element(scanner, ",]");
        if (value && (value->parent || value->origin)) /* it belongs to another place */
            value = tree_copy(evaluation->config, value, 0, evaluation->error);
        if (!value || tree_append(list, value, evaluation->error))
            return NULL;
        if (*scanner->at == ',') {
            scanner->at++;
            skip_space(scanner);
            open = 1;
            continue;
        }
        open = 0;
        if (*scanner->at != ']')
            return fail(scanner, "the list [ is not closed");
    }
    scanner->at++;
    scanner->nested--;
    return list;
}

static struct config_node *map_element(struct scanner *scanner) {
    struct interpolation *evaluation = scanner->evaluation;
    struct config_node *map = tree_new(evaluation->config, CONFIG_MAP, place_of(scanner), evaluation->error);
    if (!map || enter(scanner))
        return NULL;
    scanner->at++;
    skip_space(scanner);
    while (*scanner->at != '}') {
        if (strchr("'\"[{", *scanner->at) || !strncmp(scanner->at, "${", 2))
            return fail(scanner, "a key in { } is a plain word");
        struct config_node *key = primitive(scanner, ":,}");
        if (!key)
            return NULL;
        if (*scanner->at != ':')
            return fail(scanner, "a key in { } needs a colon and a value");
        struct text text = {0};
        text_add(&text, key->kind == CONFIG_STRING ? key->text : "");
        if (key->kind != CONFIG_STRING)
            write_python(key, 0, &text);
        key = make_string(scanner, &text);
        text_free(&text);
        scanner->at++;
        skip_space(scanner);
        if (scanner->raw && strchr(",}", *scanner->at))
            return fail(scanner, "a value is missing behind a colon");
        struct config_node *value = key ? element(scanner, ",}") : NULL;
        if (value && (value->parent || value->origin))
            value = tree_copy(evaluation->config, value, 0, evaluation->error);
        if (!value || tree_put(map, key, value, evaluation->error))
            return NULL;
        if (*scanner->at == ',') {
            scanner->at++;
            skip_space(scanner);
            if (*scanner->at == '}')
                return fail(scanner, "a key and a value are missing behind the last comma");
            continue;
        }
        if (*scanner->at != '}')
            return fail(scanner, "the map { is not closed");
    }
    scanner->at++;
    scanner->nested--;
    return map;
}

/* The length of NAME in "NAME(" or "NAME (", which is a call in the value of an override; 0 elsewhere. */
static size_t call_name(const struct scanner *scanner) {
    const char *at = scanner->at;
    size_t size = 0;
    if (!scanner->raw || !(isalpha((unsigned char)*at) || *at == '_'))
        return 0;
    while (isalnum((unsigned char)at[size]) || at[size] == '_' || at[size] == '-')
        size++;
    return at[size + strspn(at + size, " \t")] == '(' ? size : 0;
}

static struct config_node *call_element(struct scanner *scanner, size_t size) {
    struct interpolation *evaluation = scanner->evaluation;
    struct config_node *value = NULL;
    char name[64];
    size_t count = 0;
    snprintf(name, sizeof name, "%.*s", (int)size, scanner->at);
    scanner->at = strchr(scanner->at, '(') + 1;
    if (enter(scanner))
        return NULL;
    skip_space(scanner);
    while (*scanner->at != ')') {
        size_t word = strspn(scanner->at, "abcdefghijklmnopqrstuvwxyz_");
        if (word && scanner->at[word + strspn(scanner->at + word, " \t")] == '=') /* value=... */
            scanner->at = strchr(scanner->at, '=') + 1;
        value = element(scanner, ",)");
        if (!value)
            return NULL;
        count++;
        if (*scanner->at == ',') {
            scanner->at++;
            continue;
        }
        if (*scanner->at != ')')
            return fail(scanner, "the parenthesis ( is not closed");
    }
    scanner->at++;
    scanner->nested--;
    return element_call(name, value, count, evaluation->error, place_of(scanner));
}

/* Ends at one of `stops`, or at the end of the text. */
static struct config_node *element(struct scanner *scanner, const char *stops) {
    struct config_node *node;
    skip_space(scanner);
    char first = *scanner->at;
    size_t call = call_name(scanner);
    if (call)
        node = call_element(scanner, call);
    else if (first == '\'' || first == '"')
        node = quoted(scanner);
    else if (first == '[')
        node = list_element(scanner);
    else if (first == '{')
        node = map_element(scanner);
    else
        return primitive(scanner, stops);
    if (!node)
        return NULL;
    skip_space(scanner);
    if (*scanner->at && !strchr(stops, *scanner->at))
        return fail(scanner, "unexpected \"%.20s\" after a value", scanner->at);
    return node;
}

struct config_node *evaluate_element(struct interpolation *evaluation, const char *text) {
    struct scanner scanner = {.evaluation = evaluation, .at = text};
    size_t size = strlen(text), left = strspn(text, " \t"), right = 0;
    while (right < size && strchr(" \t", text[size - right - 1]))
        right++;
    if (right && right < size && text[size - right - 1] == '\\') /* an escaped space */
        right--;
    struct config_node *node = element(&scanner, ",");
    if (node && *scanner.at)
        return fail(&scanner, "unexpected \"%.20s\" after a value", scanner.at);
    if (!node || left + right == 0)
        return node;
    /* spaces around a word belong to it, unlike those between arguments */
    if (left == size || strchr("[{'\"", text[left]))
        return fail(&scanner, "spaces around a value");
    struct text spaced = {0};
    text_add_bytes(&spaced, text, left);
    if (strstr(text, "${") || strchr(text, '\\'))
        write_python(node, 0, &spaced);
    else
        text_add_bytes(&spaced, text + left, size - left - right);
    text_add_bytes(&spaced, text + size - right, right);
    node = make_string(&scanner, &spaced);
    text_free(&spaced);
    return node;
}

struct config_node *element_parse(struct config *config, const char *text, const struct config_node *place,
                                  struct error *error) {
    const struct config_context context = {0};
    const struct interpolation_frame frame = {.node = place};
    struct interpolation evaluation = {.config = config, .context = &context, .error = error, .frame = &frame};
    struct scanner scanner = {.evaluation = &evaluation, .at = text, .raw = 1};
    struct config_node *node = element(&scanner, ",");
    if (node && *scanner.at)
        return fail(&scanner, "a comma outside of [ ] and { }: sweeps over several values are no session");
    return node;
}

/* ---------------------------------------------------------------- ${...} */

struct name_list {
    char *name[CONFIG_DEPTH];
    size_t count;
    int dots, brackets, deferred;
};

static int read_name(struct scanner *scanner, struct name_list *names) {
    struct pieces pieces = {0};
    int code = -1;
    while (*scanner->at && !strchr(".:[]}(),='\"{\\ \t\n", *scanner->at)) {
        if (scanner->at[0] == '$' && scanner->at[1] == '{') {
            if (add_interpolation(scanner, &pieces))
                goto out;
            continue;
        }
        add_bytes(&pieces, scanner->at++, 1);
    }
    if (!pieces.count) {
        fail(scanner, *scanner->at ? "a name was expected at \"%.20s\"" : "${ is not closed%s", scanner->at);
        goto out;
    }
    if (names->count == CONFIG_DEPTH) {
        fail(scanner, "more than %d names in one reference", CONFIG_DEPTH);
        goto out;
    }
    names->deferred |= pieces.deferred;
    if (pieces.text.failed) {
        error_memory(scanner->evaluation->error);
        goto out;
    }
    names->name[names->count++] = pieces.text.data;
    return 0;
out:
    text_free(&pieces.text);
    return code;
}

/* a.b[0].c up to the : or } that ends it */
static int read_names(struct scanner *scanner, struct name_list *names) {
    skip_space(scanner);
    while (*scanner->at == '.') {
        names->dots++;
        scanner->at++;
    }
    for (int first = 1;; first = 0) {
        int bracket = *scanner->at == '[';
        if (bracket) {
            scanner->at++;
            names->brackets++;
        } else if (!first) {
            if (*scanner->at != '.')
                break;
            scanner->at++;
        }
        if (read_name(scanner, names))
            return -1;
        if (bracket && *scanner->at++ != ']') {
            scanner->at--;
            fail(scanner, "the bracket [ is not closed");
            return -1;
        }
    }
    skip_space(scanner);
    return 0;
}

static struct config_node *resolver(struct scanner *scanner, const struct name_list *names) {
    struct text name = {0};
    struct config_node *args[MOST_ARGUMENTS], *node = NULL;
    size_t count = 0;
    for (size_t k = 0; k < names->count; k++)
        text_format(&name, "%s%s", k ? "." : "", names->name[k]);
    scanner->at++;
    skip_space(scanner);
    int more = *scanner->at != '}';
    while (more) {
        if (count == MOST_ARGUMENTS) {
            fail(scanner, "more than %d arguments", MOST_ARGUMENTS);
            goto out;
        }
        args[count] = element(scanner, ",}");
        if (!args[count])
            goto out;
        count++;
        if (*scanner->at != ',')
            break;
        scanner->at++;
    }
    if (*scanner->at != '}') {
        fail(scanner, "${ is not closed");
        goto out;
    }
    scanner->at++;
    if (scanner->raw) {
        node = (struct config_node *)place_of(scanner); /* any: its text is copied */
        goto out;
    }
    for (size_t k = 0; k < count; k++)
        if (tree_has_deferred(args[k])) {
            node = make_deferred(scanner);
            goto out;
        }
    if (name.failed)
        error_memory(scanner->evaluation->error);
    else
        node = evaluate_resolver(scanner->evaluation, name.data, args, count);
out:
    text_free(&name);
    return node;
}

/* At "${"; goes on behind its "}". */
static struct config_node *interpolation(struct scanner *scanner) {
    struct name_list *names = calloc(1, sizeof *names);
    struct config_node *node = NULL;
    if (!names) {
        error_memory(scanner->evaluation->error);
        return NULL;
    }
    if (enter(scanner))
        goto out;
    scanner->at += 2;
    if (read_names(scanner, names))
        goto out;
    if (*scanner->at == ':' && !names->dots && !names->brackets) {
        node = resolver(scanner, names);
    } else if (*scanner->at != '}') {
        fail(scanner, *scanner->at ? "unexpected \"%.20s\" in a reference" : "${ is not closed%s", scanner->at);
    } else {
        scanner->at++;
        if (scanner->raw)
            node = (struct config_node *)place_of(scanner);
        else if (names->deferred)
            node = make_deferred(scanner);
        else
            node = evaluate_reference(scanner->evaluation,
                                      &(struct reference){names->dots, names->name, names->count, NULL});
    }
    scanner->nested--;
out:
    for (size_t k = 0; k < names->count; k++)
        free(names->name[k]);
    free(names);
    return node;
}

int evaluate_lone(struct interpolation *evaluation, const char *text, struct interpolation_place *out) {
    struct scanner scanner = {.evaluation = evaluation, .at = text + 2};
    struct name_list *names = calloc(1, sizeof *names);
    int code = 0;
    if (!names) {
        error_memory(evaluation->error);
        return -1;
    }
    if (strncmp(text, "${", 2) || strcspn(text, "}") != strlen(text) - 1 || strchr(text, ':'))
        goto out; /* a resolver, or nested, or with text around it */
    if (read_names(&scanner, names) || *scanner.at != '}')
        code = -1;
    else if (reference_find(evaluation, &(struct reference){names->dots, names->name, names->count, NULL}, 1, out))
        code = -1;
    else
        code = 1;
    if (code < 0 && !evaluation->error->code)
        fail(&scanner, "unexpected \"%.20s\" in a reference", scanner.at);
out:
    for (size_t k = 0; k < names->count; k++)
        free(names->name[k]);
    free(names);
    return code;
}
