/* Configs, as verbs read them. */
#include "config/node.h"
#include "session/session.h"
#include "verb.h"

int verb_read_config(struct config **out, const struct arguments *arguments, struct error *error) {
    int code = config_read(out, arguments->rest[0], error);
    for (int k = 1; !code && k < arguments->count; k++)
        code = config_override(*out, arguments->rest[k], error);
    return code ? code : session_check(*out, error);
}

int verb_check_config(const char *path, struct error *error) {
    struct config *config = NULL;
    int code;
    if (!config_is_named(path))
        return 0;
    code = config_read(&config, path, error);
    if (!code)
        code = session_check(config, error);
    config_free(config);
    return code;
}
