/* Random keys for the prompt of the panes and the plain one, to be run with the sanitizers: those that go through the
 * history, search, undo, kill and yank, change the mode of editing, make macros, give numbers, paste and give up.
 *
 *     fuzz_keys [KEYS]
 *
 * so many (2000) with each of three seeds at each prompt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common.h"

enum { LINE = 4, AT_ONCE = 500, MOST = 3900, NAMES_MOST = 256, PAUSE = 254, RESIZE = 255 };

/* What is pressed often stands there often. */
static const char names[] = "p|r|i|n|t| |6|*|7|st|step|\"a b\" |val0_epoch/|\303\251|\346\260\264|e\314\201|\377|\303|"
                            "print 6*7\r|step\r|\r|\r|\n|\025|\t|\t|\033?|\033*|\030m|" /* lines, completion */
                            "\033[A|\033[A|\033[B|\020|\016|\033<|\033>|\017|\033.|\033.|\033_|\033\031|" /* history */
                            "\030p|\030n|\030s|\022|\022|\023|\022\022|\022p|\022zz|\033p|\033n|"         /* searches */
                            "\037|\037|\037|\030\025|\033r|\033~|\033u|\033#|"                            /* undo */
                            "\013|\027|\033d|\033\177|\031|\031|\033y|\030\177|\033 |\030\030|\177|\004|" /* kills */
                            "\001|\005|\033b|\033f|\033[C|\033[D|\002|\006|\035t|\033\035t|\030ce|\024|\033t|"
                            "\030v|\033|\033|x|d|c|y|w|b|e|W|B|E|$|0|^|%|;|,|u|U|.|k|j|/|?|N|G|D|C|A|I|a|R|~|s|v|m|`|f|"
                            "F|T|P|Y|S|=|\\|_|@|dw|cw|d2w|y$|d%|fa|ra|3|9|-|"             /* vi */
                            "\030(|\030(|\030)|\030e|\030e|\030k|\030j|"                  /* macros */
                            "\0331|\0333|\0339|\0339999|\033-|\026|\026\026|"             /* numbers, quotes */
                            "\033[200~|\033[200~pri\nstep\n6|\033[201~|\033[201~|\033[2|" /* pastes */
                            "\007|\007|\007|\003|\014|\036|\033[|\033O|\033[99~|\033[5~|\033[<0;3;4M|";

static unsigned long long random_state;

static unsigned pick(unsigned below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % below;
}

static size_t split(const char *starts[NAMES_MOST]) {
    size_t count = 0;
    for (const char *c = names; *c && count < NAMES_MOST; c = strchr(c, '|') + 1)
        starts[count++] = c;
    return count;
}

/* A pause, or a new size of the terminal: small ones too. */
static size_t disturb(uint8_t *bytes) {
    unsigned small = !pick(4);
    bytes[0] = pick(2) ? PAUSE : RESIZE;
    bytes[1] = (uint8_t)(1 + pick(small ? 4 : 60));
    bytes[2] = (uint8_t)(1 + pick(small ? 20 : 200));
    return bytes[0] == PAUSE ? 1 : 3;
}

static void press(unsigned kind, long keys) {
    uint8_t bytes[MOST + 64];
    const char *starts[NAMES_MOST];
    size_t size = 0, count = split(starts);
    bytes[size++] = (uint8_t)kind;
    for (; keys > 0 && size < MOST; keys--) {
        const char *key = starts[pick((unsigned)count)];
        if (kind & LINE && !pick(20))
            size += disturb(bytes + size);
        memcpy(bytes + size, key, strcspn(key, "|"));
        size += strcspn(key, "|");
    }
    fuzz_input(bytes, size);
}

int main(int argc, char **argv) {
    static const unsigned long long seeds[] = {1, 20260, 0x9e3779b97f4a7c15};
    static const unsigned prompts[] = {0, LINE};
    long most = argc > 1 ? atol(argv[1]) : 2000;
    fuzz_begin(0);
    for (size_t p = 0; p < 2; p++)
        for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++) {
            random_state = seeds[k];
            for (long keys = 0; keys < most; keys += AT_ONCE)
                press(prompts[p] | pick(2), most - keys < AT_ONCE ? most - keys : AT_ONCE);
            printf("%s, seed %llu: %ld keys\n", prompts[p] ? "the plain prompt" : "the panes' prompt", seeds[k], most);
            fflush(stdout);
        }
    return 0;
}
