#include "words.h"

#include <stdio.h>
#include <readline/readline.h>

extern int rl_byte_oriented; /* not in readline's headers */

static rl_command_func_t *theirs[KEYMAP_SIZE];

static int by_bytes(int count, int key) {
    int before = rl_byte_oriented;

    rl_byte_oriented = 1;
    int status = theirs[key](count, key);
    rl_byte_oriented = before;
    while (!before && rl_point > 0 && rl_point < rl_end && (rl_line_buffer[rl_point] & 0xc0) == 0x80)
        rl_point--; /* to where the character begins */
    return status;
}

/* Only where vi's commands are keys do they hang. */
void words_open(void) {
    static rl_command_func_t *const motions[] = {rl_vi_next_word, rl_vi_end_word, rl_vi_prev_word, rl_vi_fword,
                                                 rl_vi_fWord,     rl_vi_eWord,    rl_vi_bword,     rl_vi_bWord,
                                                 rl_vi_complete,  rl_vi_match};

    for (int key = 0; key < KEYMAP_SIZE; key++)
        for (size_t k = 0; k < sizeof motions / sizeof *motions; k++)
            if (vi_movement_keymap[key].type == ISFUNC && vi_movement_keymap[key].function == motions[k]) {
                theirs[key] = motions[k];
                vi_movement_keymap[key].function = by_bytes;
            }
}
