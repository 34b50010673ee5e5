/* Configs, as verbs read them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "config/node.h"
#include "session/session.h"
#include "verb.h"

int verb_read_config(struct config **out, const struct arguments *arguments, struct error *error) {
    int code = config_compose(out, arguments->rest[0], (size_t)(arguments->count - 1),
                              (const char *const *)arguments->rest + 1, error);
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

static int is_file(const char *path, const char *which) {
    const char *at = path ? strrchr(path, '@') : NULL; /* behind it may stand which frames are read */
    char *file = at ? strndup(path, (size_t)(at - path)) : NULL;
    int same = file && file_same(file, which);
    free(file);
    return same || (path && file_same(path, which));
}

/* The text of the config that names the file, or NULL. */
static const char *find_file(const struct config_node *node, const char *which) {
    const char *found = config_kind(node) == CONFIG_STRING ? config_text(node) : NULL;
    if (found)
        return is_file(found, which) ? found : NULL;
    for (size_t k = 0; k < config_count(node) && !found; k++)
        found = find_file(config_at(node, k), which);
    return found;
}

int verb_check_output(const char *option, const char *output, const char *const *inputs, int count,
                      const struct config_node *config, struct error *error) {
    struct stat status;
    const char *input = NULL;
    if (!output || stat(output, &status) || !S_ISREG(status.st_mode))
        return 0;
    for (int k = 0; k < count && !input; k++)
        input = is_file(inputs[k], output) ? inputs[k] : NULL;
    input = input || !config ? input : find_file(config, output);
    return input ? error_set(error, ERROR_VALUE, "--%s %s: %s is read, and would be written over", option, output,
                             strcmp(input, output) ? input : "it")
                 : 0;
}
