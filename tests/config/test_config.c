#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/node.h"
#include "config/options.h"

static struct config *parse(const char *yaml) {
    struct config *config;
    struct error error = {0};
    int code = config_parse(&config, "test.yaml", yaml, strlen(yaml), &error);
    cr_assert_eq(code, 0, "%s", error.message);
    return config;
}

static int one_statistic(void *context, const char *name, struct config_statistic *out, struct error *error) {
    (void)context;
    static const char *const names[] = {"C", "H"};
    static const double values[] = {1.5, 0.1};
    if (!strcmp(name, "mean")) {
        out->value = 12.25;
        return 0;
    }
    if (!strcmp(name, "per_type")) {
        *out = (struct config_statistic){2, 0, names, values};
        return 0;
    }
    return error_set(error, ERROR_NAME, "there is no statistic '%s'", name);
}

static const char *resolved(struct config *config, const char *path) {
    struct error error = {0};
    struct config_context context = {.output_dir = "/out", .statistic = one_statistic};
    int code = config_resolve(config, &context, &error);
    cr_assert_eq(code, 0, "%s", error.message);
    return config_text(config_find(config_root(config), path));
}

/* Parses, resolves, and wants an error with these words at this place. */
static void refuse(const char *yaml, const char *words, int line, int column) {
    struct config *config;
    struct error error = {0};
    struct config_context context = {.statistic = one_statistic};
    int code = config_parse(&config, "bad.yaml", yaml, strlen(yaml), &error);
    if (!code)
        code = config_resolve(config, &context, &error);
    cr_expect(code != 0, "accepted: %s", yaml);
    cr_expect(strstr(error.message, words), "'%s' lacks '%s'", error.message, words);
    cr_expect_eq(error.line, line, "%s: line %d", error.message, error.line);
    cr_expect_eq(error.column, column, "%s: column %d", error.message, error.column);
    config_free(config);
}

Test(scalars, types) {
    struct config *config = parse("a: 1e-6\nb: 12\nc: 1.5\nd: 'x'\ne: true\nf: null\ng:\nh: 1_000\ni: 0x1F\nj: -3\n"
                                  "k: '7'\nl: .inf\nm: no\nn: 03:00:00:00\no: 1e3\np: .5\nq: 1.\n");
    const struct config_node *root = config_root(config);
    static const enum config_kind kinds[] = {CONFIG_FLOAT,  CONFIG_INT,   CONFIG_FLOAT, CONFIG_STRING, CONFIG_BOOL,
                                             CONFIG_NULL,   CONFIG_NULL,  CONFIG_INT,   CONFIG_INT,    CONFIG_INT,
                                             CONFIG_STRING, CONFIG_FLOAT, CONFIG_BOOL,  CONFIG_STRING, CONFIG_FLOAT,
                                             CONFIG_FLOAT,  CONFIG_FLOAT};
    for (size_t k = 0; k < config_count(root); k++)
        cr_expect_eq(config_kind(config_at(root, k)), kinds[k], "%s", config_key(root, k));
    cr_expect_eq(config_float(config_get(root, "a")), 1e-6);
    cr_expect_eq(config_int(config_get(root, "h")), 1000);
    cr_expect_eq(config_int(config_get(root, "i")), 31);
    config_free(config);
}

Test(yaml, anchors_and_merges) {
    struct config *config = parse("base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\nlist: [*b, 4]\n"
                                  "both:\n  <<: [{z: 9}, *b]\n");
    const struct config_node *root = config_root(config);
    cr_expect_eq(config_int(config_find(root, "other.x")), 1);
    cr_expect_eq(config_int(config_find(root, "other.y")), 3);
    cr_expect_eq(config_int(config_find(root, "list.0.y")), 2);
    cr_expect_eq(config_int(config_find(root, "both.z")), 9);
    cr_expect_eq(config_int(config_find(root, "both.x")), 1);
    config_free(config);
}

Test(interpolation, kinds) {
    struct config *config =
        parse("n: 32\nm: ${n}\nt: ${int_mul:${n},2}\ns: 'width ${n} of ${.t}'\nl: [C, H]\nsame: ${l}\nfirst: ${l.0}\n"
              "second: ${l[1]}\nd: ${list_to_identity_dict:${l}}\nk: ${list_to_constant_dict:${l},0.5}\n"
              "half: ${int_div:${n},4}\nlong: ${concat_lists:${l},${same}}\ndir: ${hydra:runtime.output_dir}/best\n"
              "which: b\npick: ${map.${which}}\nmap: {a: 1, b: {c: '${..up}', up: 5}, up: 6}\nesc: '\\${n}'\n"
              "home: ${oc.env:FETTLE_NOT_SET,fallback}\nyear: ${now:%Y}\nstat: ${training_data_stats:mean}\n"
              "per: ${training_data_stats:per_type}\ncopy: ${stat}\n");
    cr_expect_str_eq(resolved(config, "m"), "32");
    cr_expect_str_eq(resolved(config, "t"), "64");
    cr_expect_str_eq(resolved(config, "s"), "width 32 of 64");
    cr_expect_str_eq(resolved(config, "same.1"), "H");
    cr_expect_str_eq(resolved(config, "first"), "C");
    cr_expect_str_eq(resolved(config, "second"), "H");
    cr_expect_str_eq(resolved(config, "d.H"), "H");
    cr_expect_str_eq(resolved(config, "k.C"), "0.5");
    cr_expect_str_eq(resolved(config, "half"), "8");
    cr_expect_str_eq(resolved(config, "long.3"), "H");
    cr_expect_str_eq(resolved(config, "dir"), "/out/best");
    cr_expect_str_eq(resolved(config, "pick.c"), "6");
    cr_expect_str_eq(resolved(config, "esc"), "${n}");
    cr_expect_str_eq(resolved(config, "home"), "fallback");
    cr_expect_eq(strlen(resolved(config, "year")), 4);
    cr_expect_str_eq(resolved(config, "stat"), "12.25");
    cr_expect_str_eq(resolved(config, "copy"), "12.25");
    cr_expect_str_eq(resolved(config, "per.H"), "0.1");
    cr_expect_eq(config_kind(config_find(config_root(config), "m")), CONFIG_INT);
    config_free(config);
}

Test(interpolation, statistics_wait) {
    struct config *config =
        parse("a: ${training_data_stats:mean}\nb: ${a}\nc: ${int_mul:${a},2}\nd: {e: '${b}'}\nf: ${d}\n");
    struct error error = {0};
    struct config_context context = {.output_dir = "o"};
    cr_assert_eq(config_resolve(config, &context, &error), 0, "%s", error.message);
    const struct config_node *root = config_root(config);
    cr_expect_eq(config_kind(config_get(root, "a")), CONFIG_DEFERRED);
    cr_expect_eq(config_kind(config_get(root, "b")), CONFIG_DEFERRED);
    cr_expect_eq(config_kind(config_get(root, "c")), CONFIG_DEFERRED);
    cr_expect_eq(config_kind(config_find(root, "f.e")), CONFIG_DEFERRED);
    context.statistic = one_statistic;
    error = (struct error){0};
    int code = config_resolve(config, &context, &error);
    cr_expect(code && strstr(error.message, "int_mul"), "%s", error.message); /* 12.25 is no integer */
    cr_expect_eq(config_root(config), root);                                  /* a failure changes nothing */
    config_free(config);
}

Test(interpolation, refused) {
    refuse("a: ${b}\nb: ${c}\nc: ${a}\n", "circle", 3, 4);
    refuse("a: {b: '${a}'}\n", "circle", 1, 8);
    refuse("model:\n  layers: 4\nx: ${model.layer}\n", "did you mean \"layers\"?", 3, 4);
    refuse("a: ${b.c}\nb: 3\n", "b is an integer, and has no \"c\"", 1, 4);
    refuse("a: ${int_mull:2,3}\n", "did you mean \"int_mul\"?", 1, 4);
    refuse("a: ${int_mul:2}\n", "1 argument given: expected ${int_mul:A,B}", 1, 4);
    refuse("a: ${int_div:7,2}\n", "without a rest", 1, 4);
    refuse("a: ${int_mul:2.5,2}\n", "must be a whole number, not a number \"2.5\"", 1, 4);
    refuse("a: ${oc.env:FETTLE_NOT_SET}\n", "is not set", 1, 4);
    refuse("a: ${b\nb: 1\n", "is not closed", 1, 4);
    refuse("a: ${training_data_stats:nothing}\n", "no statistic 'nothing'", 1, 4);
    refuse("a: ${....b}\n", "above the top", 1, 4);
    refuse("a: ${training_data_stats.forces_rms}\n", "is called as ${training_data_stats:NAME}", 1, 4);
    refuse("a: {int_mul: 1}\nb: ${a.int_mu}\n", "did you mean \"int_mul\"?", 2, 4);
}

Test(yaml, refused) {
    refuse("a: [1, 2\nb: 3\n", "not valid YAML", 2, 2);
    refuse("a: 1\n  b: 2\n", "not valid YAML", 2, 4);
    refuse("a: 1\nb: 2\na: 3\n", "stands twice", 3, 1);
    refuse("a: *nothing\n", "no anchor &nothing", 1, 4);
    refuse("- 1\n- 2\n", "a map of keys", 1, 1);
    refuse("a: 1\n---\nb: 2\n", "second document", 2, 1);
    refuse("a: &x [*x]\n", "inside its own anchor", 1, 8);
    refuse("a:\n\t- 1\n", "not valid YAML", 2, 1);
}

Test(yaml, bombs) {
    struct text yaml = {0};
    text_add(&yaml, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for (int k = 1; k < 12; k++)
        text_format(&yaml, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", k, k, k - 1, k - 1,
                    k - 1, k - 1, k - 1, k - 1, k - 1, k - 1, k - 1);
    struct config *config;
    struct error error = {0};
    cr_expect_neq(config_parse(&config, "bomb.yaml", yaml.data, yaml.size, &error), 0);
    cr_expect(strstr(error.message, "multiply"), "%s", error.message);
    text_clear(&yaml);
    for (int k = 0; k < 5000; k++)
        text_add(&yaml, "[");
    error = (struct error){0};
    cr_expect_neq(config_parse(&config, "deep.yaml", yaml.data, yaml.size, &error), 0);
    text_free(&yaml);
}

Test(override, applies) {
    struct config *config = parse("a: {b: 1, c: [1, 2]}\nd: ${a.b}\n");
    struct error error = {0};
    static const char *const overrides[] = {"a.b=2.5", "+a.e.f=[1, x]", "a.c.1=7", "~d", "++a.g=null", "+h=${a.b}"};
    for (size_t k = 0; k < sizeof overrides / sizeof *overrides; k++)
        cr_assert_eq(config_override(config, overrides[k], &error), 0, "%s", error.message);
    cr_expect_str_eq(resolved(config, "h"), "2.5");
    cr_expect_str_eq(resolved(config, "a.e.f.1"), "x");
    cr_expect_str_eq(resolved(config, "a.c.1"), "7");
    cr_expect_null(config_get(config_root(config), "d"));
    config_free(config);
}

Test(override, refused) {
    static const char *const overrides[][2] = {{"a.bb=2", "did you mean \"b\"?"},  {"+a.b=2", "exists already"},
                                               {"nonsense", "expected KEY=VALUE"}, {"~a.x", "has no key \"x\""},
                                               {"a.c.9=1", "elements 0 to 1"},     {"x.y=1", "no key \"x\""},
                                               {"a.b=[1", "is not closed"},        {"=3", "cannot be a name"}};
    for (size_t k = 0; k < sizeof overrides / sizeof *overrides; k++) {
        struct config *config = parse("a: {b: 1, c: [1, 2]}\n");
        struct error error = {0};
        cr_expect_neq(config_override(config, overrides[k][0], &error), 0, "%s", overrides[k][0]);
        cr_expect(strstr(error.message, overrides[k][1]), "%s: %s", overrides[k][0], error.message);
        config_free(config);
    }
}

Test(writing, reads_back) {
    static const char yaml[] =
        "a: 1\nb: [x, 'true', '12', ~, 1.5e-7, {c: \"q\\\"uote\", 'k: y': [[1, 2], []]}]\n"
        "empty: {}\ns: '- dash'\nt: 'trailing '\nu: \"line\\nbreak\"\nv: ${a}\nw: .nan\nx: a: b\n";
    struct config *config, *again;
    struct error error = {0};
    (void)again;
    cr_expect_neq(config_parse(&config, "t", yaml, strlen(yaml), &error), 0); /* "a: b" needs quotes */
    config = parse("a: 1\nb: [x, 'true', '12', ~, 1.5e-7, {c: \"q\\\"uote\", 'k: y': [[1, 2], []]}]\n"
                   "empty: {}\ns: '- dash'\nt: 'trailing '\nu: \"line\\nbreak\"\nv: ${a}\nw: .nan\nx: 'a: b'\n");
    struct text first = {0}, second = {0};
    config_write_yaml(config_root(config), &first);
    again = parse(first.data);
    config_write_yaml(config_root(again), &second);
    cr_expect_str_eq(first.data, second.data);
    cr_expect_str_eq(config_text(config_find(config_root(again), "b.5.c")), "q\"uote");
    cr_expect_eq(config_kind(config_find(config_root(again), "b.1")), CONFIG_STRING);
    cr_expect_eq(config_int(config_find(config_root(again), "b.5.k: y.0.1")), 2);
    text_clear(&second);
    config_write_json(config_root(config), &second);
    cr_expect(strstr(second.data, "\"empty\": {}"), "%s", second.data);
    config_free(again);
    again = parse(second.data); /* JSON is YAML */
    cr_expect_str_eq(config_text(config_get(config_root(again), "u")), "line\nbreak");
    text_free(&first);
    text_free(&second);
    config_free(again);
    config_free(config);
}

/* ---------------------------------------------------------------- options */

struct sample {
    int flag;
    int64_t layers;
    double rate;
    const char *kind;
    struct option_ints features;
    struct option_strings names;
    const struct config_node *any;
};

static const struct option sample_options[] = {
    {"flag", OPTION_BOOL, 0, "true", offsetof(struct sample, flag), NULL, ""},
    {"layers", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, offsetof(struct sample, layers), NULL, ""},
    {"rate", OPTION_FLOAT, OPTION_NULLABLE, "0.001", offsetof(struct sample, rate), NULL, ""},
    {"kind", OPTION_STRING, 0, "silu", offsetof(struct sample, kind), "silu|mish|null", ""},
    {"features", OPTION_INT_LIST, 0, "[32, 16]", offsetof(struct sample, features), NULL, ""},
    {"names", OPTION_STRING_LIST, 0, NULL, offsetof(struct sample, names), NULL, ""},
    {"any", OPTION_NODE, 0, NULL, offsetof(struct sample, any), NULL, ""},
    {"device", OPTION_STRING, OPTION_IGNORED, NULL, 0, NULL, ""},
};
enum { SAMPLE_OPTIONS = sizeof sample_options / sizeof *sample_options };

Test(options, reads) {
    struct config *config = parse("layers: 4.0\nfeatures: 8\nnames: [C, H]\nany: {x: 1}\ndevice: cuda\nrate: null\n"
                                  "extra: 1\n_target_: a.B\n");
    struct sample sample;
    struct error error = {0};
    struct arena *arena = arena_new();
    static const char *const also[] = {"extra", NULL};
    cr_assert_eq(options_read(sample_options, SAMPLE_OPTIONS, config_root(config), also, &sample, arena, &error), 0,
                 "%s", error.message);
    cr_expect(sample.flag);
    cr_expect_eq(sample.layers, 4);
    cr_expect_eq(sample.rate, 0.001); /* null leaves the default */
    cr_expect_str_eq(sample.kind, "silu");
    cr_expect(sample.features.scalar && sample.features.values[0] == 8);
    cr_expect_str_eq(sample.names.values[1], "H");
    cr_expect_eq(config_count(sample.any), 1);
    arena_free(arena);
    config_free(config);
}

Test(options, refused) {
    static const char *const cases[][2] = {
        {"layers: four\n", "expected an integer, not"},
        {"layers: 4.5\n", "expected an integer, not"},
        {"layers: 0\n", "greater than 0"},
        {"layer: 4\n", "did you mean \"layers\"?"},
        {"flag: false\n", "\"layers\" is missing"},
        {"layers: 4\nkind: relu\n", "none of silu, mish or null"},
        {"layers: 4\nflag: 1\n", "expected true or false"},
        {"layers: 4\nfeatures: [1, x]\n", "features.1: expected an integer, not a string \"x\""},
        {"layers: [4]\n", "not a list"},
        {"layers: null\n", "null is no value for layers"},
        {"layers: 2\nrate: fast\n", "expected a number, not a string \"fast\""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct config *config = parse(cases[k][0]);
        struct sample sample;
        struct error error = {0};
        struct arena *arena = arena_new();
        cr_expect_neq(options_read(sample_options, SAMPLE_OPTIONS, config_root(config), NULL, &sample, arena, &error),
                      0);
        cr_expect(strstr(error.message, cases[k][1]), "%s: %s", cases[k][0], error.message);
        arena_free(arena);
        config_free(config);
    }
}

Test(options, target) {
    static const struct option_target targets[] = {{"torch.optim.Adam", "adam"}, {"torch.optim.SGD", "sgd"}};
    struct config *config =
        parse("a: {_target_: torch.optim.SGD}\nb: {_target_: adam}\nc: {_target_: torch.optim.Adm}\n"
              "d: {lr: 1}\ne: 3\n");
    const struct config_node *root = config_root(config);
    struct error error = {0};
    size_t k = 9;
    cr_expect_eq(options_target(config_get(root, "a"), "an optimizer", targets, 2, &k, &error), 0);
    cr_expect_eq(k, 1);
    cr_expect_eq(options_target(config_get(root, "b"), "an optimizer", targets, 2, &k, &error), 0);
    cr_expect_eq(k, 0);
    cr_expect_neq(options_target(config_get(root, "c"), "an optimizer", targets, 2, &k, &error), 0);
    cr_expect(strstr(error.message, "torch.optim.Adam"), "%s", error.message);
    cr_expect_neq(options_target(config_get(root, "d"), "an optimizer", targets, 2, &k, NULL), 0);
    cr_expect_neq(options_target(config_get(root, "e"), "an optimizer", targets, 2, &k, NULL), 0);
    config_free(config);
}

/* Whatever the bytes are, reading them ends well. */
Test(yaml, survives_mutations) {
    static const char seed_text[] =
        "run: [train]\na: &x {b: 1, c: [1, 2.5, ~]}\nd: ${a.b}\ne: ${int_mul:${d},2}\n"
        "f: {<<: *x, g: '${e} and ${.b}'}\nh: |\n  text\nk: ${list_to_identity_dict:${a.c}}\n";
    unsigned seed = 1;
    for (int round = 0; round < 4000; round++) {
        char text[sizeof seed_text];
        memcpy(text, seed_text, sizeof text);
        size_t n = sizeof text - 1;
        for (int k = 0; k < 1 + round % 5; k++) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = (seed >> 8) % n;
            static const char spice[] = "{}[]:,&*#!|>'\"%@`$.-~<= \n\tx\\";
            text[at] = spice[(seed >> 3) % (sizeof spice - 1)];
        }
        struct config *config;
        struct error error = {0};
        struct config_context context = {.statistic = one_statistic};
        if (!config_parse(&config, "m", text, n, &error)) {
            config_resolve(config, &context, &error);
            struct text out = {0};
            config_write_yaml(config_root(config), &out);
            text_free(&out);
            config_free(config);
        }
    }
}
