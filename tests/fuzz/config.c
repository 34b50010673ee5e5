/* A whole config: YAML, interpolations, names and types, what stands under `fettle`; what is written reads back equal.
 */
#include <string.h>
#include "base/text.h"
#include "common.h"
#include "config/tree.h"
#include "session/session.h"
#include "train/run/trainer.h"

enum { LONGEST = 1 << 20 }; /* interpolations make more text of less */

void fuzz_open(void) {
}

static int statistic(void *context, const char *name, struct config_statistic *out, struct error *error) {
    static const char *const names[] = {"Cu", "Au"};
    static const double values[] = {1.5, -2};
    (void)context, (void)error;
    *out = (struct config_statistic){
        .count = !strncmp(name, "per", 3) ? 2 : 0, .value = 12.25, .names = names, .values = values};
    return 0;
}

static void write_and_read(const struct config *config) {
    struct text yaml = {0}, json = {0}, again = {0};
    struct error error = {0};
    struct config *second;
    config_write_yaml(config_root(config), &yaml);
    config_write_json(config_root(config), &json);
    if (yaml.size && yaml.size < LONGEST) {
        if (config_parse(&second, "again.yaml", yaml.data, yaml.size, &error))
            fuzz_fail("what was written does not read: %s\n%s", error.message, yaml.data);
        config_write_json(config_root(second), &again);
        if (again.size != json.size || memcmp(again.data, json.data, json.size))
            fuzz_fail("what was written reads differently:\n%s\n%s\n%s", yaml.data, json.data, again.data);
        config_free(second);
    }
    text_free(&yaml);
    text_free(&json);
    text_free(&again);
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct config *config;
    struct error error = {0};
    int code = config_parse(&config, "fuzz.yaml", (const char *)data, size, &error);
    fuzz_told(code, &error);
    if (code)
        return;
    write_and_read(config);
    for (int pass = 0; pass < 2 && !code; pass++) {
        struct config_context context = {.output_dir = "out", .statistic = pass ? statistic : NULL};
        code = config_resolve(config, &context, &error);
        fuzz_told(code, &error);
        if (!code)
            fuzz_told(trainer_check(config_root(config), &error), &error);
    }
    fuzz_told(session_check(config, &error), &error);
    config_free(config);
}
