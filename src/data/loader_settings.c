#include <string.h>
#include "config/options.h"
#include "data/loader.h"

void loader_settings_default(struct loader_settings *settings) {
    *settings = (struct loader_settings){.batch_size = 1};
}

static const struct option options[] = {
    {"batch_size", OPTION_INT, OPTION_POSITIVE, "1", offsetof(struct loader_settings, batch_size), NULL,
     "frames a batch"},
    {"shuffle", OPTION_BOOL, OPTION_NULLABLE, "false", offsetof(struct loader_settings, shuffle), NULL,
     "draw the frames in a new order each epoch"},
    {"drop_last", OPTION_BOOL, 0, "false", offsetof(struct loader_settings, drop_last), NULL,
     "leave out a last batch that is not full"},
    {"num_workers", OPTION_INT, OPTION_NONNEGATIVE, "0", offsetof(struct loader_settings, num_workers), NULL,
     "no worker is started; the order of shuffled frames depends on it"},
    {"prefetch_factor", OPTION_INT, OPTION_NULLABLE | OPTION_POSITIVE, NULL,
     offsetof(struct loader_settings, prefetch_factor), NULL, "likewise"},
    {"pin_memory", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted"},
    {"pin_memory_device", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted"},
    {"persistent_workers", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted"},
    {"timeout", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted"},
    {"worker_init_fn", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted"},
    {"multiprocessing_context", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted"},
    {"in_order", OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted"}};

int loader_settings_read(struct loader_settings *settings, const struct config_node *config, struct error *error) {
    static const struct option_target targets[] = {{"torch.utils.data.DataLoader", "DataLoader"}};
    struct loader_settings given;
    size_t index;
    int code = 0;
    if (!config || config_kind(config) == CONFIG_NULL)
        return 0;
    struct arena *arena = arena_new();
    if (!arena)
        return error_set(error, ERROR_MEMORY, "out of memory");
    if (config_get(config, "_target_"))
        code = options_target(config, "a data loader", targets, 1, &index, error);
    if (!code)
        code = options_read(options, sizeof options / sizeof *options, config, NULL, &given, arena, error);
    code = arena_result(arena, code, error);
    arena_free(arena);
    if (code)
        return code;
    if (config_get(config, "batch_size"))
        settings->batch_size = given.batch_size;
    if (config_get(config, "shuffle"))
        settings->shuffle = given.shuffle;
    if (config_get(config, "drop_last"))
        settings->drop_last = given.drop_last;
    if (config_get(config, "num_workers"))
        settings->num_workers = given.num_workers;
    if (config_get(config, "prefetch_factor"))
        settings->prefetch_factor = given.prefetch_factor;
    return 0;
}
