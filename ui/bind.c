#include "bind.h"

enum { COMMANDS_MOST = 64 };

/* Into the table of names, from which an inputrc is read. */
static void replace_name(rl_command_func_t *theirs, rl_command_func_t *ours) {
    for (FUNMAP **entry = funmap; entry && *entry; entry++)
        if ((*entry)->function == theirs)
            (*entry)->function = ours;
}

Keymap bind_map_at(Keymap map, int key) {
    return map[key].type == ISKMAP ? (Keymap)(void *)map[key].function : NULL;
}

static void replace_keys(Keymap map, rl_command_func_t *theirs, rl_command_func_t *ours) {
    for (int key = 0; key < KEYMAP_SIZE; key++)
        if (bind_map_at(map, key))
            replace_keys(bind_map_at(map, key), theirs, ours);
        else if (map[key].type == ISFUNC && map[key].function == theirs)
            map[key].function = ours;
}

void bind_replace(const struct bind *table) {
    const Keymap maps[] = {emacs_standard_keymap, emacs_meta_keymap, emacs_ctlx_keymap, vi_insertion_keymap,
                           vi_movement_keymap};
    rl_command_func_t *theirs[COMMANDS_MOST];

    rl_initialize_funmap();
    for (int k = 0; table[k].name && k < COMMANDS_MOST; k++)
        theirs[k] = rl_named_function(table[k].name);
    for (int k = 0; table[k].name && k < COMMANDS_MOST; k++)
        if (theirs[k])
            replace_name(theirs[k], table[k].function);
    rl_initialize(); /* it binds the arrows, after the inputrc */
    for (int k = 0; table[k].name && k < COMMANDS_MOST; k++)
        for (size_t m = 0; theirs[k] && m < sizeof maps / sizeof *maps; m++)
            replace_keys(maps[m], theirs[k], table[k].function);
}
