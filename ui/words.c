#include "words.h"

#include <stdio.h>
#include <readline/readline.h>

extern int rl_byte_oriented; /* not in readline's headers */

static int by_bytes(rl_command_func_t *motion, int count, int key) {
    int before = rl_byte_oriented;

    rl_byte_oriented = 1;
    int status = motion(count, key);
    rl_byte_oriented = before;
    while (!before && rl_point > 0 && rl_point < rl_end && (rl_line_buffer[rl_point] & 0xc0) == 0x80)
        rl_point--; /* to where the character begins */
    return status;
}

int words_next(int count, int key) {
    return by_bytes(rl_vi_next_word, count, key);
}

int words_end(int count, int key) {
    return by_bytes(rl_vi_end_word, count, key);
}

int words_previous(int count, int key) {
    return by_bytes(rl_vi_prev_word, count, key);
}

int words_forward(int count, int key) {
    return by_bytes(rl_vi_fword, count, key);
}

int words_forward_big(int count, int key) {
    return by_bytes(rl_vi_fWord, count, key);
}

int words_end_big(int count, int key) {
    return by_bytes(rl_vi_eWord, count, key);
}

int words_back(int count, int key) {
    return by_bytes(rl_vi_bword, count, key);
}

int words_back_big(int count, int key) {
    return by_bytes(rl_vi_bWord, count, key);
}

int words_complete(int count, int key) {
    return by_bytes(rl_vi_complete, count, key);
}

int words_match(int count, int key) {
    return by_bytes(rl_vi_match, count, key);
}
