/* Overrides: what Hydra 1.3 makes of the same ones on the same config. */
#include <criterion/criterion.h>
#include <string.h>

#include "config/node.h"

static const char base[] = "a: {b: 1, c: [1, 2, {d: 3}], n: null}\nd: ${a.b}\ns: text\n";

static const struct {
    const char *override, *path, *json;
} overrides[] = {
    {"a.b=2.5", "a.b", "2.5"},
    {"a.b=2.5", "d", "2.5"},
    {"a.b=1e-3", "a.b", "0.001"},
    {"a.b=null", "a.b", "null"},
    {"a.b=true", "a.b", "true"},
    {"a.b=yes", "a.b", "\"yes\""},
    {"a.b='1'", "a.b", "\"1\""},
    {"a.b=x y", "a.b", "\"x y\""},
    {"s= x ", "s", "\"x\""},
    {"s=", "s", "\"\""},
    {"s=a:b", "s", "\"a:b\""},
    {"s=1:30", "s", "\"1:30\""},
    {"s=1_000", "s", "1000"},
    {"s=007", "s", "\"007\""},
    {"s=.5", "s", "0.5"},
    {"s=-1", "s", "-1"},
    {"s=/p/q-r.s", "s", "\"/p/q-r.s\""},
    {"s=a\\,b", "s", "\"a,b\""},
    {"s='it\\'s'", "s", "\"it's\""},
    {"s='${a.b} x'", "s", "\"1 x\""},
    {"s=x${a.b}", "s", "\"x1\""},
    {"s=${a.b}", "s", "1"},
    {"s=\\${a.b}", "s", "\"${a.b}\""},
    {"s=${int_mul:${a.b},8}", "s", "8"},
    {"s=[a,[b,1],{d:e},'7',${a.b}]", "s", "[\"a\", [\"b\", 1], {\"d\": \"e\"}, \"7\", 1]"},
    {"s={a: b, c: [1,2]}", "s", "{\"a\": \"b\", \"c\": [1, 2]}"},
    {"a={b:5}", "a", "{\"b\": 5, \"c\": [1, 2, {\"d\": 3}], \"n\": null}"},
    {"+a={zz:5}", "a", "{\"b\": 1, \"c\": [1, 2, {\"d\": 3}], \"n\": null, \"zz\": 5}"},
    {"a.c=[]", "a.c", "[]"},
    {"a.c.1=7", "a.c", "[1, 7, {\"d\": 3}]"},
    {"a.c.2.d=7", "a.c", "[1, 2, {\"d\": 7}]"},
    {"+a.c.3=x", "a.c", "[1, 2, {\"d\": 3}, \"x\"]"},
    {"~a.c.0", "a.c", "[2, {\"d\": 3}]"},
    {"~a.c", "a", "{\"b\": 1, \"n\": null}"},
    {"~a.n=null", "a", "{\"b\": 1, \"c\": [1, 2, {\"d\": 3}]}"},
    {"+a.e=1", "a.e", "1"},
    {"+x.y.z=1", "x", "{\"y\": {\"z\": 1}}"},
    {"+a.n.x=1", "a.n", "{\"x\": 1}"},
    {"++a.b=2", "a.b", "2"},
    {"++a.q.r=2", "a.q", "{\"r\": 2}"},
    {"hydra.run.dir=/tmp/x", "hydra", "{\"run\": {\"dir\": \"/tmp/x\"}}"},
};

static struct config *parse(void) {
    struct config *config = NULL;
    cr_assert_eq(config_parse(&config, "base.yaml", base, strlen(base), NULL), 0);
    return config;
}

Test(overrides, like_hydra) {
    for (size_t k = 0; k < sizeof overrides / sizeof *overrides; k++) {
        struct config *config = parse();
        struct error error = {0};
        struct text json = {0};
        cr_assert_eq(config_override(config, overrides[k].override, &error), 0, "%s: %s", overrides[k].override,
                     error.message);
        cr_assert_eq(config_resolve(config, NULL, &error), 0, "%s: %s", overrides[k].override, error.message);
        config_write_json(config_find(config_root(config), overrides[k].path), &json);
        cr_expect_str_eq(json.data, overrides[k].json, "%s gives %s", overrides[k].override, json.data);
        text_free(&json);
        config_free(config);
    }
}

static const struct {
    const char *override, *words;
} refused[] = {
    {"a.bb=1", "override a.bb: a has no key \"bb\"; did you mean \"b\"? (a new key is added by +a.bb=...)"},
    {"zzz.y=1", "the config has no key \"zzz\""},
    {"a={zz:5}", "a has no key \"zz\""},
    {"+a.b=2", "exists already"},
    {"~a.zzz", "has no key \"zzz\""},
    {"~a.b=2", "its value is not 2 but 1"},
    {"a.c.3=1", "a.c has elements 0 to 2, and no \"3\""},
    {"a.c.x=1", "no \"x\""},
    {"+a.c.7=1", "no \"7\""},
    {"s.x=1", "s is a string, and has no key \"x\""},
    {"a.n.x=1", "a.n is null"},
    {"d.x=1", "d is ${a.b}; override what it refers to"},
    {"s=a,b", "sweeps"},
    {"s=[1,2", "not closed"},
    {"s={a", "needs a colon"},
    {"s='x", "not closed"},
    {"s=x'y'", "quotes"},
    {"s=${a.b", "not closed"},
    {"s=[1]2", "after a value"},
    {"=3", "cannot be a name"},
    {"a..b=3", "cannot be a name"},
    {"", "expected KEY=VALUE"},
    {"nothing", "expected KEY=VALUE"},
    {"db/kind=x", "group"},
    {"s=\xff", "UTF-8"},
    {"s=a\001b", "UTF-8"},
};

Test(overrides, refused_and_nothing_changed) {
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        struct config *config = parse();
        struct error error = {0};
        struct text before = {0}, after = {0};
        config_write_json(config_root(config), &before);
        int code = config_override(config, refused[k].override, &error);
        cr_expect(code && error.code == (enum error_code)code, "%s is accepted", refused[k].override);
        cr_expect(strstr(error.message, refused[k].words), "%s: %s", refused[k].override, error.message);
        config_write_json(config_root(config), &after);
        cr_expect_str_eq(after.data, before.data);
        text_free(&before);
        text_free(&after);
        config_free(config);
    }
}

/* What was resolved before is resolved anew from what was written. */
Test(overrides, reach_what_depends_on_them) {
    struct config *config = parse();
    struct error error = {0};
    cr_assert_eq(config_resolve(config, NULL, &error), 0);
    cr_assert_eq(config_override(config, "a.b=9", &error), 0);
    cr_assert_eq(config_resolve(config, NULL, &error), 0);
    cr_expect_eq(config_int(config_get(config_root(config), "d")), 9);
    cr_assert_eq(config_override(config, "~a.c.0", &error), 0);
    cr_expect_str_eq(config_path(config_find(config_root(config), "a.c.1.d")), "a.c.1.d");
    config_free(config);
}
