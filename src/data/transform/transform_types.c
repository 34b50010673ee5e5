#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "data/transform/transform_parts.h"

enum { ELEMENTS = 119 };

static const struct option options[] = {
    {"model_type_names", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct transform_mapper, names), NULL,
     "names of the model's types"},
    {"chemical_species_to_atom_type_map", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct transform_mapper, map),
     NULL, "species: type name; by default each species is a type of the same name"},
    {"chemical_symbols", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct transform_mapper, symbols), NULL,
     "NequIP 0.7 to 0.15: the species of each type, in the place of the other two"}};

static int map_species(struct transform_mapper *mapper, const struct config_node *place, const char *species,
                       const char *type, struct arena *arena, struct error *error) {
    int number = element_number(species), found = -1;
    for (int k = 0; k < mapper->names.count; k++)
        if (strcmp(mapper->names.values[k], type) == 0)
            found = k;
    if (found < 0) {
        const char *near = text_nearest(type, mapper->names.values, (size_t)mapper->names.count);
        return config_error(place, error, ERROR_NAME, "%s is mapped to type '%s', which is not in model_type_names%s",
                            species, type, DID_YOU_MEAN(near));
    }
    if (!number)
        return config_error(place, error, ERROR_NAME, "'%s' is not a chemical symbol%s", species,
                            mapper->map ? "" : ": types of other names need a chemical_species_to_atom_type_map");
    mapper->type_of[number] = found;
    mapper->known = arena_format(arena, "%s%s%s", mapper->known, mapper->known[0] ? ", " : "", species);
    return mapper->known ? 0 : error_memory(error);
}

static int prepare(void *data, const struct config_node *config, struct arena *arena, struct error *error) {
    struct transform_mapper *mapper = data;
    const struct config_node *names = config_get(config, "model_type_names");
    if (mapper->symbols.count) {
        const struct config_node *symbols = config_get(config, "chemical_symbols");
        if (mapper->names.count || mapper->map)
            return config_error(symbols, error, ERROR_VALUE,
                                "chemical_symbols stands for model_type_names and chemical_species_to_atom_type_map in "
                                "older versions: beside them it has no meaning");
        config_notice(symbols, LOG_NOTICE,
                      "chemical_symbols, as NequIP had it until 0.15, is taken for model_type_names; newer versions "
                      "refuse it");
        mapper->names = mapper->symbols;
        names = symbols;
    }
    if (config_kind(names) == CONFIG_DEFERRED)
        return config_error(names, error, ERROR_TYPE, "the type names cannot depend on the data's statistics");
    if (mapper->names.count < 1)
        return config_error(names ? names : config, error, ERROR_NAME, "model_type_names is missing: a list of names");
    if (mapper->names.count > TYPES_MOST)
        return config_error(names, error, ERROR_VALUE, "%d types: at most %d are possible", mapper->names.count,
                            TYPES_MOST);
    for (int k = 0; k < mapper->names.count; k++)
        for (int j = 0; j < k; j++)
            if (strcmp(mapper->names.values[k], mapper->names.values[j]) == 0)
                return config_error(names, error, ERROR_VALUE, "the type '%s' is named twice", mapper->names.values[k]);
    mapper->type_of = arena_alloc(arena, ELEMENTS * sizeof *mapper->type_of);
    if (!mapper->type_of)
        return error_memory(error);
    for (int z = 0; z < ELEMENTS; z++)
        mapper->type_of[z] = -1;
    mapper->known = "";
    int code = 0;
    if (!mapper->map) {
        for (int k = 0; k < mapper->names.count && !code; k++)
            code = map_species(mapper, names, mapper->names.values[k], mapper->names.values[k], arena, error);
        return code;
    }
    if (config_kind(mapper->map) != CONFIG_MAP)
        return config_error(mapper->map, error, ERROR_TYPE, "a map from species to type names is expected, not %s",
                            config_kind_name(mapper->map));
    for (size_t k = 0; k < config_count(mapper->map) && !code; k++)
        code = map_species(mapper, config_key_node(mapper->map, k), config_key(mapper->map, k),
                           config_text(config_at(mapper->map, k)), arena, error);
    return code;
}

static int apply(const void *data, struct frame *frame, size_t limit_bytes, struct error *error) {
    const struct transform_mapper *mapper = data;
    (void)limit_bytes;
    for (int i = 0; i < frame->atoms; i++) {
        int number = frame->numbers[i], type = number > 0 && number < ELEMENTS ? mapper->type_of[number] : -1;
        if (type < 0) {
            char label[300];
            return error_set(error, ERROR_DATA, "%s: atom %d is %s, a species the model does not know (it knows %s)",
                             frame_label(frame, label, sizeof label), i,
                             frame->symbols[i][0] ? frame->symbols[i] : "of no species", mapper->known);
        }
        frame->types[i] = type;
    }
    return 0;
}

const struct transform_kind transform_type_mapper = {
    .target = {"nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper", "ChemicalSpeciesToAtomTypeMapper"},
    .help = "gives each atom the model's type of its species",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct transform_mapper),
    .prepare = prepare,
    .apply = apply};
