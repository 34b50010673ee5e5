/* Plain scalars, as OmegaConf 2.3 reads them. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "config/node.h"

static const struct {
    const char *text;
    enum config_kind kind;
    double value;
} scalars[] = {
    {"yes", CONFIG_BOOL, 1},
    {"No", CONFIG_BOOL, 0},
    {"on", CONFIG_BOOL, 1},
    {"TRUE", CONFIG_BOOL, 1},
    {"tRue", CONFIG_STRING, 0},
    {"y", CONFIG_STRING, 0},
    {"n", CONFIG_STRING, 0},
    {"~", CONFIG_NULL, 0},
    {"NULL", CONFIG_NULL, 0},
    {"nULL", CONFIG_STRING, 0},
    {"1_000", CONFIG_INT, 1000},
    {"0123", CONFIG_INT, 83},
    {"08", CONFIG_STRING, 0},
    {"0x1F", CONFIG_INT, 31},
    {"0b101", CONFIG_INT, 5},
    {"0o17", CONFIG_STRING, 0},
    {"1:30", CONFIG_INT, 90},
    {"12:30:45", CONFIG_INT, 45045},
    {"03:00:00", CONFIG_STRING, 0},
    {"1e5", CONFIG_FLOAT, 1e5},
    {"1e-6", CONFIG_FLOAT, 1e-6},
    {"1E+3", CONFIG_FLOAT, 1000},
    {"-1e-3", CONFIG_FLOAT, -1e-3},
    {"1.", CONFIG_FLOAT, 1},
    {".5", CONFIG_FLOAT, 0.5},
    {"-.5", CONFIG_STRING, 0},
    {"+.5", CONFIG_STRING, 0},
    {".5e3", CONFIG_STRING, 0},
    {".5e+3", CONFIG_FLOAT, 500},
    {"1.5e3", CONFIG_FLOAT, 1500},
    {".inf", CONFIG_FLOAT, INFINITY},
    {"-.inf", CONFIG_FLOAT, -INFINITY},
    {"+.inf", CONFIG_FLOAT, INFINITY},
    {"-.nan", CONFIG_STRING, 0},
    {"NaN", CONFIG_STRING, 0},
    {"inf", CONFIG_STRING, 0},
    {"2020-01-01", CONFIG_STRING, 0},
    {"1_0.5", CONFIG_FLOAT, 10.5},
    {"1__0", CONFIG_INT, 10},
    {"1.2.3", CONFIG_STRING, 0},
    {"+12", CONFIG_INT, 12},
    {"-0", CONFIG_INT, 0},
    {"0_7", CONFIG_INT, 7},
    {"=", CONFIG_STRING, 0},
    {"1:30.5", CONFIG_FLOAT, 90.5},
    {"190:20:30.15", CONFIG_FLOAT, 685230.15},
    {"-1:30", CONFIG_INT, -90},
    {"12e03", CONFIG_FLOAT, 12000},
    {"1e5.0", CONFIG_STRING, 0},
    {"0x", CONFIG_STRING, 0},
    {"0b", CONFIG_STRING, 0},
    {"0_", CONFIG_INT, 0},
    {"0.", CONFIG_FLOAT, 0},
    {"1_", CONFIG_INT, 1},
    {"1.e5", CONFIG_FLOAT, 1e5},
    {"1_.5", CONFIG_FLOAT, 1.5},
    {"0_8.5", CONFIG_FLOAT, 8.5},
    {"9223372036854775807", CONFIG_INT, 0x1p63},
    {"9223372036854775808", CONFIG_FLOAT, 0x1p63},
    {"'1'", CONFIG_STRING, 0},
    {"\"true\"", CONFIG_STRING, 0},
    {"!!str 12", CONFIG_STRING, 0},
    {"!!float 3", CONFIG_FLOAT, 3},
    {"!!int '7'", CONFIG_INT, 7},
};

Test(scalars, like_omegaconf) {
    for (size_t k = 0; k < sizeof scalars / sizeof *scalars; k++) {
        struct text yaml = {0};
        struct error error = {0};
        struct config *config = NULL;
        text_format(&yaml, "v: %s\n", scalars[k].text);
        cr_assert_eq(config_parse(&config, "scalar", yaml.data, yaml.size, &error), 0, "%s: %s", scalars[k].text,
                     error.message);
        const struct config_node *node = config_get(config_root(config), "v");
        cr_expect_eq(config_kind(node), scalars[k].kind, "%s is %s", scalars[k].text, config_kind_name(node));
        double value = config_kind(node) == CONFIG_BOOL ? config_bool(node) : config_float(node);
        cr_expect_eq(value, scalars[k].value, "%s is %.17g", scalars[k].text, value);
        config_free(config);
        text_free(&yaml);
    }
}

Test(scalars, not_a_number) {
    struct config *config = NULL;
    cr_assert_eq(config_parse(&config, "scalar", "a: .nan\nb: .NaN\n", 16, NULL), 0);
    for (size_t k = 0; k < 2; k++)
        cr_expect(isnan(config_float(config_at(config_root(config), k))));
    config_free(config);
}

Test(scalars, tags_that_do_not_fit) {
    static const char *const texts[] = {
        "v: !!int x", "v: !!bool 3", "v: !!binary aGk=", "v: !thing 3", "v: !!set {a}", "v: !!float yes"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        struct config *config = NULL;
        struct error error = {0};
        cr_expect_eq(config_parse(&config, "tag", texts[k], strlen(texts[k]), &error), ERROR_TYPE, "%s", texts[k]);
        cr_expect(error.line == 1 && error.column == 4, "%s: %d:%d", texts[k], error.line, error.column);
        cr_expect_null(config);
    }
}

/* Nothing is there: accessors answer all the same. */
Test(scalars, absent_nodes) {
    cr_expect_eq(config_kind(NULL), CONFIG_NULL);
    cr_expect_eq(config_count(NULL), 0);
    cr_expect_null(config_at(NULL, 0));
    cr_expect_null(config_get(NULL, "a"));
    cr_expect_null(config_find(NULL, "a.b"));
    cr_expect_str_eq(config_text(NULL), "");
    cr_expect_str_eq(config_path(NULL), "");
    cr_expect_str_eq(config_key(NULL, 3), "");
    cr_expect_null(config_key_node(NULL, 3));
    cr_expect_eq(config_int(NULL), 0);
    cr_expect_eq(config_bool(NULL), 0);
    cr_expect_eq(config_float(NULL), 0);
    cr_expect_eq(config_is_number(NULL), 0);
    struct error error = {0};
    cr_expect_eq(config_error(NULL, &error, ERROR_VALUE, "no %s", "place"), ERROR_VALUE);
    cr_expect_str_eq(error.message, "no place");
    struct text out = {0};
    config_write_yaml(NULL, &out);
    config_write_json(NULL, &out);
    cr_expect_str_eq(out.data, "null\nnull");
    text_free(&out);
}
