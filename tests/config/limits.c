/* Input that is too much, and input that is anything at all. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config/node.h"
#include "config/options.h"

static int try(const char *yaml, size_t size, struct error *error) {
    struct config *config = NULL;
    int code = config_parse(&config, "limit.yaml", yaml, size, error);
    if (!code)
        code = config_resolve(config, NULL, error);
    config_free(config);
    return code;
}

static void refuse(struct text *yaml, const char *words) {
    struct error error = {0};
    cr_expect(try(yaml->data, yaml->size, &error), "accepted");
    cr_expect(strstr(error.message, words), "%s", error.message);
    text_free(yaml);
}

Test(limits, depth) {
    struct text yaml = {0};
    for (int k = 0; k < 190; k++)
        text_add(&yaml, k ? "[" : "a: [");
    for (int k = 0; k < 190; k++)
        text_add(&yaml, "]");
    cr_expect_eq(try(yaml.data, yaml.size, NULL), 0);
    text_clear(&yaml);
    text_add(&yaml, "a: ");
    for (int k = 0; k < 100000; k++)
        text_add(&yaml, "[");
    refuse(&yaml, "levels");
    for (int k = 0; k < 300; k++)
        text_format(&yaml, "%*s-\n", k, "");
    refuse(&yaml, "levels");
}

/* Each level doubles: by aliases, by references, by text. */
Test(limits, bombs) {
    struct text yaml = {0};
    text_add(&yaml, "a0: &a0 [x, x]\n");
    for (int k = 1; k < 60; k++)
        text_format(&yaml, "a%d: &a%d [*a%d, *a%d]\n", k, k, k - 1, k - 1);
    refuse(&yaml, "multiply");
    text_add(&yaml, "a0: [x, x]\n");
    for (int k = 1; k < 60; k++)
        text_format(&yaml, "a%d: ['${a%d}', '${a%d}']\n", k, k - 1, k - 1);
    refuse(&yaml, "multiply");
    text_add(&yaml, "a0: xxxxxxxxxxxxxxxx\n");
    for (int k = 1; k < 60; k++)
        text_format(&yaml, "a%d: '${a%d}${a%d}'\n", k, k - 1, k - 1);
    refuse(&yaml, "MiB");
    text_add(&yaml, "a0: {b: x}\n");
    for (int k = 1; k < 150; k++)
        text_format(&yaml, "a%d: {b: {c: '${a%d}'}}\n", k, k - 1);
    refuse(&yaml, "levels");
}

Test(limits, chains) {
    struct text yaml = {0};
    for (int k = 0; k < 20000; k++)
        text_format(&yaml, "m%d: {a: '${m%d.a}'}\n", k, k + 1);
    refuse(&yaml, "keys in one map");
    for (int k = 0; k < 2000; k++)
        text_format(&yaml, "a%d: ${concat_lists:[[[[[[[[[[[[[[[[[[${a%d}]]]]]]]]]]]]]]]]]],[]}\n", k, k + 1);
    text_add(&yaml, "a2000: 1\n");
    refuse(&yaml, "lead to each other");
    text_add(&yaml, "a: '");
    for (int k = 0; k < 5000; k++)
        text_add(&yaml, "${oc.env:");
    text_add(&yaml, "'");
    refuse(&yaml, "brackets in each other");
    text_add(&yaml, "a: ${b");
    for (int k = 0; k < 5000; k++)
        text_add(&yaml, ".b");
    text_add(&yaml, "}\n");
    refuse(&yaml, "names in one reference");
}

Test(limits, files) {
    struct config *config = NULL;
    struct error error = {0};
    cr_expect_eq(config_read(&config, "/no/such/folder/config.yaml", &error), ERROR_IO);
    cr_expect(strstr(error.message, "No such file"), "%s", error.message);
    error = (struct error){0};
    cr_expect_eq(config_read(&config, "/", &error), ERROR_IO);
    cr_expect(strstr(error.message, "directory"), "%s", error.message);
    error = (struct error){0};
    cr_expect_eq(config_read(&config, "/dev/zero", &error), ERROR_IO);
    cr_expect(strstr(error.message, "MiB"), "%s", error.message);
    cr_expect_null(config);
}

Test(limits, nul_and_bytes) {
    struct error error = {0};
    cr_expect(try("a: \"x\\0y\"\n", 10, &error));
    cr_expect(strstr(error.message, "NUL"), "%s", error.message);
    error = (struct error){0};
    cr_expect_eq(try("a: 1\nb: \xff\xfe\n", 11, &error), ERROR_SYNTAX);
    cr_expect(error.line == 2 && error.column == 4, "%d:%d %s", error.line, error.column, error.message);
}

/* ---------------------------------------------------------------- writing and reading back */

static const char *const strings[] = {
    "",
    " ",
    "a",
    "a b",
    " a",
    "a ",
    "true",
    "No",
    "null",
    "~",
    "1",
    "1e-6",
    "0x1F",
    "1:30",
    "-",
    "- a",
    "a: b",
    "a:",
    ":a",
    "#a",
    "a #b",
    "a#b",
    "[a",
    "{a}",
    "a,b",
    "'a'",
    "\"a\"",
    "a\\b",
    "a\nb",
    "a\n",
    "\n",
    "\t",
    "a\tb",
    "${x}",
    "x${x}y",
    "$x",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "<<",
    "=",
    "...",
    "---",
    "é",
    "日本",
    "\x01",
    "\x7f",
    "\xc2\x85",
    "\xe2\x80\xa8",
    "\xef\xbb\xbf",
    "? a",
    "a ? b",
    "2020-01-01",
    ".5",
    ".inf",
    "/p/q",
    "a=b",
    "x]",
    "x}",
    "1.0",
    "+1",
    "_",
    "00",
    "\xf0\x9f\x98\x80",
    "key: [1, 2]",
    "a:b",
    "nan",
    "${a: b}",
    "a  b",
};

Test(writing, strings_stay_what_they_are) {
    /* as list elements, values and keys; first through JSON, as YAML reads it, then through YAML */
    struct text yaml = {0}, again = {0};
    struct error error = {0};
    struct config *config = NULL, *other = NULL;
    size_t count = sizeof strings / sizeof *strings;
    text_add(&yaml, "list: []\nshort: []\nmap: {}\n");
    cr_assert_eq(config_parse(&config, "s", yaml.data, yaml.size, &error), 0);
    text_clear(&yaml);
    text_add(&yaml, "{\"list\": [");
    for (int pass = 0; pass < 3; pass++) {
        for (size_t k = 0; k < count; k++) {
            if (pass == 1 && k % 5 == 0)
                text_add(&yaml, k ? "], [" : "[");
            else
                text_add(&yaml, k ? ", " : "");
            for (int both = 0; both < 1 + (pass == 2); both++) {
                text_add(&yaml, both ? ": \"" : "\"");
                for (const char *s = strings[k]; *s; s++)
                    if (*s == '"' || *s == '\\')
                        text_format(&yaml, "\\%c", *s);
                    else if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        text_format(&yaml, "\\x%02x", *s);
                    else if (!strcmp(s, "\xc2\x85")) /* line breaks, which YAML folds */
                        text_add(&yaml, "\\N"), s += 1;
                    else if (!strcmp(s, "\xe2\x80\xa8"))
                        text_add(&yaml, "\\L"), s += 2;
                    else if (!strcmp(s, "\xef\xbb\xbf"))
                        text_add(&yaml, "\\uFEFF"), s += 2;
                    else
                        text_add_bytes(&yaml, s, 1);
                text_add(&yaml, "\"");
            }
        }
        text_add(&yaml, pass == 0 ? "], \"short\": [" : pass == 1 ? "]], \"map\": {" : "}}");
    }
    config_free(config);
    cr_assert_eq(config_parse(&config, "s", yaml.data, yaml.size, &error), 0, "%s", error.message);
    for (int way = 0; way < 2; way++) {
        text_clear(&again);
        if (way)
            config_write_json(config_root(config), &again);
        else
            config_write_yaml(config_root(config), &again);
        cr_assert_eq(config_parse(&other, "again", again.data, again.size, &error), 0, "%s\n%s", error.message,
                     again.data);
        for (size_t k = 0; k < count; k++) {
            const struct config_node *root = config_root(other);
            const struct config_node *nodes[] = {config_at(config_get(root, "list"), k),
                                                 config_at(config_at(config_get(root, "short"), k / 5), k % 5),
                                                 config_at(config_get(root, "map"), k)};
            for (int n = 0; n < 3; n++) {
                cr_expect_eq(config_kind(nodes[n]), CONFIG_STRING, "%d, %d: %s", way, n, strings[k]);
                cr_expect_str_eq(config_text(nodes[n]),
                                 config_text(config_at(config_get(config_root(config), "list"), k)));
            }
            cr_expect_str_eq(config_key(config_get(root, "map"), k), config_text(nodes[0]));
        }
        config_free(other);
    }
    config_free(config);
    text_free(&yaml);
    text_free(&again);
}

Test(writing, numbers_and_long_keys) {
    static const char yaml[] =
        "{i: [0x10, -3, 9223372036854775807], f: [0.1, 1e-6, 1e22, .inf, -.inf, .nan, 5e-324], b: "
        "[yes, off], n: ~, e: [{}, []], d: {x: {y: [[[1], 2], {z: 3}]}}}";
    struct config *config = NULL, *other = NULL;
    struct error error = {0};
    struct text first = {0}, second = {0};
    cr_assert_eq(config_parse(&config, "n", yaml, strlen(yaml), &error), 0, "%s", error.message);
    char override[1500] = "+";
    memset(override + 1, 'k', 1200);
    strcat(override, "=[1, {a: b}]");
    cr_assert_eq(config_override(config, override, &error), 0, "%s", error.message);
    config_write_yaml(config_root(config), &first);
    cr_assert_eq(config_parse(&other, "m", first.data, first.size, &error), 0, "%s\n%s", error.message, first.data);
    config_write_yaml(config_root(other), &second);
    cr_expect_str_eq(second.data, first.data);
    cr_expect_eq(config_int(config_find(config_root(other), "i.0")), 16);
    text_clear(&second);
    config_write_json(config_get(config_root(other), "f"), &second);
    cr_expect_str_eq(second.data, "[0.1, 1e-06, 1e+22, \"Infinity\", \"-Infinity\", \"NaN\", 5e-324]");
    config_free(config);
    config_free(other);
    text_free(&first);
    text_free(&second);
}

/* ---------------------------------------------------------------- anything at all */

static uint64_t draw(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const char *const pieces[] = {"${",
                                     "}",
                                     "${.",
                                     "${..",
                                     "[",
                                     "]",
                                     "{",
                                     "}",
                                     ": ",
                                     ", ",
                                     "- ",
                                     "\n",
                                     "\n  ",
                                     "&a ",
                                     "*a",
                                     "<<: ",
                                     "'",
                                     "\"",
                                     "\\",
                                     "|",
                                     "#",
                                     "?",
                                     "~",
                                     "1e",
                                     "0x",
                                     "${a}",
                                     "${int_mul:",
                                     "${training_data_stats:",
                                     "!!int ",
                                     "\xff",
                                     "\xc3\xa9",
                                     "\t",
                                     "---\n",
                                     "",
                                     "true",
                                     "null",
                                     "1:30",
                                     "${oc.env:",
                                     "${concat_lists:",
                                     "${list_to_identity_dict:",
                                     "${now:%",
                                     "+",
                                     "~",
                                     "=",
                                     "a.b="};

struct any {
    int flag;
    int64_t number;
    double rate;
    const char *name;
    struct option_ints ints;
    struct option_floats floats;
    struct option_strings strings;
    const struct config_node *node;
};

static const struct option any_options[] = {
    {"seed", OPTION_INT, OPTION_NONNEGATIVE, "3", offsetof(struct any, number), NULL, "a seed"},
    {"r_max", OPTION_FLOAT, OPTION_POSITIVE | OPTION_REQUIRED, NULL, offsetof(struct any, rate), NULL, "a cutoff"},
    {"model_dtype", OPTION_STRING, 0, "float32", offsetof(struct any, name), "float32|float64", "a type"},
    {"num_features", OPTION_INT_LIST, 0, "[1, 2]", offsetof(struct any, ints), NULL, "features"},
    {"avg_num_neighbors", OPTION_FLOAT_LIST, 0, "1.5", offsetof(struct any, floats), NULL, "neighbours"},
    {"type_names", OPTION_STRING_LIST, 0, "[]", offsetof(struct any, strings), NULL, "types"},
    {"pair_potential", OPTION_NODE, 0, NULL, offsetof(struct any, node), NULL, "a potential"},
    {"parity", OPTION_BOOL, OPTION_NULLABLE, "true", offsetof(struct any, flag), NULL, "parity"},
};

static int statistic(void *context, const char *name, struct config_statistic *out, struct error *error) {
    (void)context;
    (void)error;
    out->value = (double)strlen(name);
    return 0;
}

Test(limits, survives_any_mutation) {
    char *original = NULL;
    size_t size = 0;
    struct error error = {0};
    cr_assert_eq(file_read(TEST_DATA_DIR "/molecule.yaml", &original, &size, &error), 0, "%s", error.message);
    uint64_t state = 88172645463325252u;
    int parsed = 0, resolved = 0;
    for (int round = 0; round < 3000; round++) {
        struct text text = {0};
        text_add_bytes(&text, original, size);
        int edits = 1 + (int)(draw(&state) % 4);
        for (int k = 0; k < edits && text.size; k++) {
            size_t at = draw(&state) % text.size, cut = draw(&state) % 8;
            cut = cut > text.size - at ? text.size - at : cut;
            const char *piece = pieces[draw(&state) % (sizeof pieces / sizeof *pieces)];
            struct text next = {0};
            text_add_bytes(&next, text.data, at);
            if (draw(&state) % 8)
                text_add(&next, piece);
            else /* a part from elsewhere */
                text_add_bytes(&next, original + draw(&state) % (size - 40), draw(&state) % 40);
            text_add_bytes(&next, text.data + at + cut, text.size - at - cut);
            text_free(&text);
            text = next;
        }
        struct config *config = NULL;
        struct error why = {0};
        struct config_context context = {.output_dir = "/out"};
        if (!config_parse(&config, "mutant.yaml", text.data, text.size, &why)) {
            parsed++;
            char override[64];
            snprintf(override, sizeof override, "%.*s", (int)(draw(&state) % 60),
                     text.data + draw(&state) % (text.size / 2));
            config_override(config, override, NULL);
            int code = config_resolve(config, &context, &why);
            context.statistic = statistic;
            if (!code)
                code = config_resolve(config, &context, &why);
            resolved += !code;
            cr_assert(!code || why.message[0]);
            struct text out = {0};
            config_write_yaml(config_root(config), &out);
            struct config *again = NULL;
            struct error bad = {0};
            cr_assert_eq(config_parse(&again, "again.yaml", out.data, out.size, &bad), 0, "%s\n%s", bad.message,
                         out.data);
            struct text twice = {0};
            config_write_yaml(config_root(again), &twice);
            cr_assert_str_eq(twice.data, out.data);
            struct arena *arena = arena_new();
            struct any any;
            options_read(any_options, sizeof any_options / sizeof *any_options,
                         config_find(config_root(config), "training_module.model"), NULL, &any, arena, NULL);
            arena_free(arena);
            text_free(&twice);
            config_free(again);
            text_free(&out);
        } else {
            cr_assert(why.message[0]);
        }
        config_free(config);
        text_free(&text);
    }
    cr_expect(parsed > 500 && resolved > 200, "%d parsed, %d resolved", parsed, resolved);
    free(original);
}
