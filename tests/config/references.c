/* Interpolations as OmegaConf 2.3 computes them; what they came to there stands here. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "config/node.h"

static const char head[] = "x: X\nn: 3\nl: [1, 2.0, null, true, s]\n"
                           "m: {p: 1, q: z, r: '${.p}', s: {t: '${..q}', u: '${...x}'}}\n"
                           "e: 1e-6\nmm: ${m}\nll: [a, '${.0}', '${l}']\n";

/* The value of v, as JSON; or an error with these words. */
static const struct {
    const char *text, *json;
} references[] = {
    {"a\\b", "\"a\\\\b\""},
    {"a\\\\b ${x}", "\"a\\\\\\\\b X\""},
    {"\\${x}", "\"${x}\""},
    {"\\\\${x}", "\"\\\\X\""},
    {"\\\\\\${x}", "\"\\\\${x}\""},
    {"${x}\\\\", "\"X\\\\\\\\\""},
    {"$x ${x}$", "\"$x X$\""},
    {"${x}}", "\"X}\""},
    {"${ x }", "\"X\""},
    {"${l}-${e}", "\"[1, 2.0, None, True, 's']-1e-06\""},
    {"${l.0}", "1"},
    {"${l[1]}", "2.0"},
    {"${m[p]}", "1"},
    {"${[m][p]}", "1"},
    {"${m.p}${m.p}", "\"11\""},
    {"${mm.s.u}", "\"X\""},
    {"${mm.s}", "{\"t\": \"z\", \"u\": \"X\"}"},
    {"${ll.2.1}", "2.0"},
    {"${int_mul:${n},2}", "6"},
    {"${int_mul:${n}0,2}", "60"},
    {"${int_mul:\"12\",3}", "36"},
    {"${int_mul: -2 , 3 }", "-6"},
    {"${int_div:6,${n}}", "2"},
    {"${concat_lists:${l},[7, '8', [x], {a: 1}]}", "[1, 2.0, null, true, \"s\", 7, \"8\", [\"x\"], {\"a\": 1}]"},
    {"${concat_lists:[],[]}", "[]"},
    {"${list_to_identity_dict:[C,H]}", "{\"C\": \"C\", \"H\": \"H\"}"},
    {"${list_to_constant_dict:${ll},1.5}", NULL},
    {"${list_to_constant_dict:[C,H],{a:1}}", "{\"C\": {\"a\": 1}, \"H\": {\"a\": 1}}"},
    {"${oc.env:FETTLE_NOPE,3}", "\"3\""},
    {"${oc.env:FETTLE_NOPE,null}", "null"},
    {"${oc.env:FETTLE_NOPE,1_0}", "\"10\""},
    {"${oc.env:FETTLE_NOPE,007}", "\"007\""},
    {"${oc.env:FETTLE_NOPE,00.5}", "\"00.5\""},
    {"${oc.env:FETTLE_NOPE,1e3}", "\"1000.0\""},
    {"${oc.env:FETTLE_NOPE,tRUE}", "\"True\""},
    {"${oc.env:FETTLE_NOPE,a\\,b\\\\c\\:d}", "\"a,b\\\\c:d\""},
    {"${oc.env:FETTLE_NOPE,a:b}", "\"a:b\""},
    {"${oc.env:FETTLE_NOPE,'a,b'}", "\"a,b\""},
    {"${oc.env:FETTLE_NOPE,'${x} it\\'s'}", "\"X it's\""},
    {"${oc.env:FETTLE_NOPE,\"}\"}", "\"}\""},
    {"${oc.env:FETTLE_NOPE,}", "\"\""},
    {"${oc.env:FETTLE_NOPE,a${x}b}", "\"aXb\""},
    {"${oc.env:FETTLE_SET}", "\"is set\""},
    {"${hydra:runtime.output_dir}/best", "\"/out/best\""},
    {"${x", NULL},
    {"${}", NULL},
    {"${:a}", NULL},
    {"${n.}", NULL},
    {"${m..p}", NULL},
    {"${m.[p]}", NULL},
    {"${m[p}", NULL},
    {"${l.-1}", NULL},
    {"${l.9}", NULL},
    {"${l.a}", NULL},
    {"${x.y}", NULL},
    {"${m.${zz}}", NULL},
    {"${..x}", NULL},
    {"${v}", NULL},
    {"a ${v}", NULL},
    {"${int_div:7,2}", NULL},
    {"${int_div:7,0}", NULL},
    {"${int_div:-9223372036854775807,-1}", "9223372036854775807"},
    {"${int_mul:9223372036854775807,2}", NULL},
    {"${int_mul:2.5,2}", NULL},
    {"${int_mul:3}", NULL},
    {"${int_mul:true,2}", "2"},
    {"${concat_lists:${x},[7]}", NULL},
    {"${oc.env:FETTLE_NOPE}", NULL},
    {"${oc.env:3}", NULL},
    {"${hydra:runtime.nothing}", NULL},
    {"${now}", NULL},
    {"${oc.env:\"a\"b}", NULL},
    {"${oc.env:[}", NULL},
    {"${oc.env:{a}}", NULL},
    {"${oc.env:'a}", NULL},
    {"???", NULL},
};

Test(references, like_omegaconf) {
    setenv("FETTLE_SET", "is set", 1);
    unsetenv("FETTLE_NOPE");
    for (size_t k = 0; k < sizeof references / sizeof *references; k++) {
        struct text yaml = {0}, json = {0};
        struct error error = {0};
        struct config *config = NULL;
        text_format(&yaml, "%sv: '", head);
        for (const char *s = references[k].text; *s; s++)
            text_format(&yaml, *s == '\'' ? "''" : "%c", *s);
        text_add(&yaml, "'\n");
        cr_assert_eq(config_parse(&config, "refs.yaml", yaml.data, yaml.size, &error), 0, "%s", error.message);
        const struct config_context context = {.output_dir = "/out"};
        int code = config_resolve(config, &context, &error);
        if (references[k].json) {
            cr_assert_eq(code, 0, "%s: %s", references[k].text, error.message);
            config_write_json(config_get(config_root(config), "v"), &json);
            cr_expect_str_eq(json.data, references[k].json, "%s is %s", references[k].text, json.data);
        } else {
            cr_expect(code && error.code == (enum error_code)code, "%s is accepted", references[k].text);
            cr_expect(error.line == 8 && error.column == 4 && !strncmp(error.message, "v: ", 3), "%s: %d:%d: %s",
                      references[k].text, error.line, error.column, error.message);
        }
        config_free(config);
        text_free(&yaml);
        text_free(&json);
    }
}

static struct config *parse(const char *yaml) {
    struct config *config = NULL;
    struct error error = {0};
    cr_assert_eq(config_parse(&config, "test.yaml", yaml, strlen(yaml), &error), 0, "%s", error.message);
    return config;
}

Test(references, circle_names_the_way) {
    struct config *config = parse("a: ${b}\nb: x${c.d}\nc: {d: '${a}'}\n");
    struct error error = {0};
    cr_expect_eq(config_resolve(config, NULL, &error), ERROR_VALUE);
    cr_expect_str_eq(error.message, "c.d: interpolations go in a circle: a <- c.d <- b <- a");
    config_free(config);
}

/* A copy has the path of its new place, and the position of the reference. */
Test(references, copies_know_their_place) {
    struct config *config = parse("a: {b: [1, {c: x}]}\nd:\n  e: ${a.b}\n");
    struct error error = {0};
    cr_assert_eq(config_resolve(config, NULL, &error), 0);
    const struct config_node *copy = config_find(config_root(config), "d.e");
    config_error(copy, &error, ERROR_VALUE, "bad");
    cr_expect(error.line == 3 && error.column == 6, "%d:%d", error.line, error.column);
    cr_expect_str_eq(config_path(config_find(copy, "1.c")), "d.e.1.c");
    cr_expect_str_eq(config_path(config_find(config_root(config), "a.b.1.c")), "a.b.1.c");
    config_free(config);
}

static int statistic(void *context, const char *name, struct config_statistic *out, struct error *error) {
    static const char *const names[] = {"C", "H"};
    static const double values[] = {1.5, 0.25};
    ++*(int *)context;
    if (!strcmp(name, "per_type"))
        *out = (struct config_statistic){2, 0, names, values};
    else if (!strcmp(name, "mean"))
        out->value = 12.5;
    else
        return error_set(error, ERROR_NAME, "no statistic is called %s", name);
    return 0;
}

Test(references, statistics_come_later) {
    struct config *config = parse("a: ${training_data_stats:mean}\nb: 'mean ${a}'\nc: {d: '${...a}', e: [1, '${a}']}\n"
                                  "f: ${c}\ng: ${.h.C}\nh: ${training_data_stats:per_type}\n"
                                  "i: ${concat_lists:[1],${f.e}}\nj: ${training_data_stats:${name}}\nname: mean\n"
                                  "k: ${oc.env:FETTLE_NOPE,${a}}\nl: 3\n");
    struct error error = {0};
    int calls = 0;
    struct config_context context = {.statistic_context = &calls};
    static const char *const deferred[] = {"a", "b", "f.d", "f.e.1", "g", "h", "i", "j", "k"};
    /* "c.d" climbs out of the tree */
    cr_expect_neq(config_resolve(config, &context, &error), 0);
    error = (struct error){0};
    cr_assert_eq(config_override(config, "c.d='${..a}'", &error), 0);
    cr_assert_eq(config_resolve(config, &context, &error), 0, "%s", error.message);
    for (size_t k = 0; k < sizeof deferred / sizeof *deferred; k++)
        cr_expect_eq(config_kind(config_find(config_root(config), deferred[k])), CONFIG_DEFERRED, "%s", deferred[k]);
    cr_expect_eq(config_kind(config_find(config_root(config), "l")), CONFIG_INT);
    cr_expect_str_eq(config_text(config_get(config_root(config), "b")), "mean ${a}");
    const struct config_node *early = config_get(config_root(config), "c");
    context.statistic = statistic;
    cr_assert_eq(config_resolve(config, &context, &error), 0, "%s", error.message);
    cr_expect_eq(calls, 3); /* once for each place that asks */
    struct text json = {0};
    config_write_json(config_root(config), &json);
    cr_expect_str_eq(json.data,
                     "{\"a\": 12.5, \"b\": \"mean 12.5\", \"c\": {\"d\": 12.5, \"e\": [1, 12.5]}, \"f\": {\"d\": "
                     "12.5, \"e\": [1, 12.5]}, \"g\": 1.5, \"h\": {\"C\": 1.5, \"H\": 0.25}, \"i\": [1, 1, "
                     "12.5], \"j\": 12.5, \"name\": \"mean\", \"k\": \"12.5\", \"l\": 3}");
    text_free(&json);
    cr_expect_eq(config_count(early), 2); /* still there */
    cr_assert_eq(config_override(config, "name=nothing", &error), 0);
    cr_expect_eq(config_resolve(config, &context, &error), ERROR_NAME);
    cr_expect_str_eq(error.message, "j: training_data_stats: no statistic is called nothing");
    config_free(config);
}

Test(references, copied_config_is_its_own) {
    struct config *config = parse("a: 1\nb: ${a}\n");
    struct error error = {0};
    cr_assert_eq(config_resolve(config, NULL, &error), 0);
    struct config *copy = config_copy(config);
    cr_assert_eq(config_override(config, "a=2", &error), 0);
    cr_assert_eq(config_resolve(config, NULL, &error), 0);
    config_free(config);
    cr_expect_eq(config_int(config_find(config_root(copy), "b")), 1);
    cr_assert_eq(config_override(copy, "a=5", &error), 0);
    cr_assert_eq(config_resolve(copy, NULL, &error), 0);
    cr_expect_eq(config_int(config_find(config_root(copy), "b")), 5);
    config_free(copy);
}
