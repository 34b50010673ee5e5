#include "model/builder/builder.h"
#include "model/module/coupling.h"
#include "model/module/modules.h"
#include "data/frame/frame.h"

#include <stddef.h>
#include <string.h>

struct common {
    int64_t seed;
    const char *dtype;
    struct option_strings type_names;
    const char *compile_mode;
};

enum { SEED, DTYPE, TYPE_NAMES, COMPILE_MODE, COMMON };

const struct option builder_common_options[COMMON] = {
    {"seed", OPTION_INT, 0, NULL, offsetof(struct common, seed), NULL, "of the stream that weights are drawn from"},
    {"model_dtype", OPTION_STRING, 0, NULL, offsetof(struct common, dtype), "float32|float64",
     "of features and weights"},
    {"type_names", OPTION_STRING_LIST, 0, NULL, offsetof(struct common, type_names), NULL, "names of the atom types"},
    {"compile_mode", OPTION_STRING, OPTION_NULLABLE | OPTION_IGNORED, NULL, offsetof(struct common, compile_mode), NULL,
     "there is nothing to compile"},
};

const size_t builder_common_option_count = COMMON;

static const char *const common_names[] = {"seed", "model_dtype", "type_names", "compile_mode", NULL};

/* The arguments that every builder takes, or those of the builder around it. */
static int read_common(struct build *build, const struct builder *builder, const struct config_node *args,
                       struct builder_defaults *out) {
    struct common common;
    /* unknown arguments are the builder's to name: it knows what is near */
    const char **also = arena_alloc(build->scratch, (builder->noptions + config_count(args) + 1) * sizeof *also);
    if (!also)
        return error_memory(build->error);
    size_t nalso = 0;
    for (size_t k = 0; k < config_count(args); k++) {
        int is_common = 0;
        for (int c = 0; c < COMMON; c++)
            is_common = is_common || strcmp(config_key(args, k), common_names[c]) == 0;
        if (!is_common)
            also[nalso++] = config_key(args, k);
    }
    int code = options_read(builder_common_options, COMMON, args, also, &common, build->arena, build->error);
    if (code)
        return code;
    *out = build->outer;
    for (int c = SEED; c <= TYPE_NAMES; c++)
        if (!config_get(args, common_names[c]) && !build->outer.set)
            return config_error(args, build->error, ERROR_VALUE,
                                "%s lacks \"%s\": every builder needs seed, model_dtype and type_names", builder->name,
                                common_names[c]);
    if (config_get(args, common_names[SEED]))
        out->seed = common.seed;
    if (config_get(args, common_names[DTYPE]) && common.dtype)
        out->dtype = strcmp(common.dtype, "float32") == 0 ? F32 : F64;
    if (config_get(args, common_names[TYPE_NAMES]))
        out->type_names = common.type_names;
    out->set = 1;
    const struct config_node *names = config_get(args, common_names[TYPE_NAMES]);
    if (out->type_names.count < 1 && config_kind(names) != CONFIG_DEFERRED)
        return config_error(names ? names : args, build->error, ERROR_VALUE, "type_names is empty");
    if (out->type_names.count > TYPES_MOST)
        return config_error(names ? names : args, build->error, ERROR_VALUE, "%d types: at most %d are possible",
                            out->type_names.count, TYPES_MOST);
    for (int i = 0; i < out->type_names.count; i++)
        if (strlen(out->type_names.values[i]) > TYPE_NAME_MOST)
            return config_error(names ? config_at(names, (size_t)i) : args, build->error, ERROR_VALUE,
                                "a type's name has %d bytes at most, \"%.40s...\" has %zu", TYPE_NAME_MOST,
                                out->type_names.values[i], strlen(out->type_names.values[i]));
    for (int i = 0; i < out->type_names.count; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(out->type_names.values[i], out->type_names.values[j]) == 0)
                return config_error(names ? names : args, build->error, ERROR_VALUE, "the type \"%s\" stands twice",
                                    out->type_names.values[i]);
    return 0;
}

static int read_options(struct build *build, const struct builder *builder, const struct config_node *args,
                        const char *const *also, void **out) {
    *out = arena_alloc(build->arena, builder->size + 1);
    if (!*out)
        return error_memory(build->error);
    return options_read(builder->options, builder->noptions, args, also, *out, build->arena, build->error);
}

int builder_call_with(struct build *build, const struct builder *builder, const void *options,
                      const struct config_node *args, struct module **out) {
    *out = NULL;
    int code = builder->check ? builder->check(build, options, args) : 0;
    return code ? code : builder->build(build, options, args, out);
}

static void set_types(struct build *build, const struct builder_defaults *defaults) {
    build->outer = *defaults;
    build->dtype = defaults->dtype;
    build->ntypes = defaults->type_names.count;
    build->type_names = (const char *const *)defaults->type_names.values;
}

int builder_call(struct build *build, const struct builder *builder, const struct config_node *args,
                 struct module **out) {
    void *options;
    *out = NULL;
    if (build->building || builder->unwrapped) {
        int code = read_options(build, builder, args, NULL, &options);
        return code ? code : builder_call_with(build, builder, options, args, out);
    }
    struct builder_defaults defaults;
    int code = read_common(build, builder, args, &defaults);
    if (code)
        return code;
    const struct build before = *build;
    struct random_stream stream;
    random_seed(&stream, (uint64_t)defaults.seed);
    set_types(build, &defaults);
    build->building = 1;
    build->random = &stream;
    build->couplings = coupling_plan_new(build);
    struct module *model = NULL;
    code = build->couplings ? read_options(build, builder, args, common_names, &options) : ERROR_MEMORY;
    if (!code)
        code = builder_call_with(build, builder, options, args, &model);
    if (!code) {
        *out = graph_model_new(build, model);
        code = *out ? 0 : ERROR_MEMORY;
    }
    /* what the model tells of itself stays, where it came about */
    struct build after = *build;
    *build = before;
    if (!code) {
        build->r_max = after.r_max > before.r_max ? after.r_max : before.r_max;
        build->directed = before.directed || after.directed;
        build->ncategories = after.ncategories;
        memcpy(build->category_fields, after.category_fields, sizeof after.category_fields);
        memcpy(build->category_min, after.category_min, sizeof after.category_min);
        memcpy(build->category_max, after.category_max, sizeof after.category_max);
        build->finished = defaults;
    }
    return code;
}

int builder_call_fresh(struct build *build, const struct builder *builder, const struct config_node *args,
                       struct module **out) {
    int before = build->building;
    build->building = 0;
    int code = builder_call(build, builder, args, out);
    build->building = before;
    return code;
}

int builder_check(struct build *build, const struct builder *builder, const struct config_node *args) {
    void *options;
    struct builder_defaults defaults;
    const struct build before = *build;
    size_t found = error_count(build->error);
    int code = builder->unwrapped ? 0 : error_aside(build->error, read_common(build, builder, args, &defaults));
    if (!code)
        code = error_aside(build->error,
                           read_options(build, builder, args, builder->unwrapped ? NULL : common_names, &options));
    if (!code)
        code = error_since(build->error, found);
    if (!code && !builder->unwrapped)
        set_types(build, &defaults);
    if (!code && builder->check)
        code = builder->check(build, options, args);
    *build = before;
    return code;
}
