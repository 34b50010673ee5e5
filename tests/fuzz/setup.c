/* What stands under `fettle` in a config: read, made and taken for an open session, its commands executed; what is then
 * written is read again.  The input is what stands behind `fettle:`. */
#include "session/setup.h"
#include "session/setup_write.h"
#include "session/session_internal.h"

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "common.h"
#include "config/config_internal.h"
#include "kept_session.h"

void fuzz_open(void) {
    fuzz_fence = FENCE_REFUSES;
    kept_session();
}

static struct config *parse(const uint8_t *data, size_t size) {
    struct config *config;
    struct text yaml = {0};
    struct error error = {0};
    text_add(&yaml, fuzz_yaml());
    text_add(&yaml, "fettle:");
    text_add_bytes(&yaml, data, size);
    int code = config_parse(&config, "fuzz.yaml", yaml.data, yaml.size, &error);
    fuzz_told(code, &error);
    text_free(&yaml);
    return code ? NULL : config;
}

static void write_and_read(struct session *session) {
    struct config *config;
    struct error error = {0};
    if (setup_write(session, "written.yaml", NULL, &error))
        return;
    if (config_read(&config, "written.yaml", &error) || session_check(config, &error))
        fuzz_fail("a session that was written does not read: %s", error.message);
    config_free(config);
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct session *session = kept_session();
    struct config *config = parse(data, size);
    struct setup *setup = NULL;
    struct error error = {0};
    if (!config)
        return;
    int code = setup_read(&setup, session, config, &error);
    fuzz_told(code, &error);
    if (!code && setup) {
        code = setup_make(setup, session, session->trainer, &error);
        fuzz_told(code, &error);
        if (!code) {
            setup_take(setup, session);
            write_and_read(session);
            fuzz_told(setup_run(setup, session, &error), &error);
        }
    }
    setup_free(setup);
    config_free(config);
    kept_session_return();
}
