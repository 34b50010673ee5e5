/* ModelFromCheckpoint: the model whose arguments and weights a checkpoint holds. */
#include "model/builder/builder.h"
#include "model/file/safetensors.h"

#include <stddef.h>
#include <string.h>

struct checkpoint_options {
    const char *path, *compile_mode;
};

static const struct option rows[] = {
    {"checkpoint_path", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct checkpoint_options, path), NULL,
     "a checkpoint written by fettle"},
    {"compile_mode", OPTION_STRING, OPTION_NULLABLE | OPTION_IGNORED, NULL,
     offsetof(struct checkpoint_options, compile_mode), NULL, "there is nothing to compile"},
};

static int checkpoint_build(struct build *build, const void *given, const struct config_node *args,
                            struct module **out) {
    const struct checkpoint_options *options = given;
    const struct builder *builder;
    if (build->building)
        return config_error(args, build->error, ERROR_STATE, "ModelFromCheckpoint cannot stand inside another builder");
    if (build->checkpoint)
        return config_error(args, build->error, ERROR_DATA, "the checkpoint names another checkpoint as its model");
    int code = safetensors_read(&build->checkpoint, options->path, build->error);
    if (code)
        return code;
    const char *text = safetensors_metadata(build->checkpoint, "model_config");
    if (!text)
        return config_error(args, build->error, ERROR_DATA,
                            "%s does not hold a model's arguments (metadata model_config): is it a checkpoint?",
                            options->path);
    code = config_parse(&build->config, options->path, text, strlen(text), build->error);
    if (code)
        return code;
    const struct config_node *inner = config_root(build->config);
    code = builder_find(&builder, inner, build->error);
    if (code)
        return code;
    if (builder->unwrapped)
        return config_error(inner, build->error, ERROR_DATA, "the checkpoint names another checkpoint as its model");
    return builder_call(build, builder, inner, out);
}

const struct builder checkpoint_builder = {
    .name = "ModelFromCheckpoint",
    .target = "nequip.model.ModelFromCheckpoint",
    .alias = "ModelFromCheckpoint",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .size = sizeof(struct checkpoint_options),
    .build = checkpoint_build,
    .unwrapped = 1,
    .help = "the model of a checkpoint, with its weights (the average, where it kept one)",
};
