#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <readline/readline.h>
#include "bind.h"
#include "recall.h"

enum { PATTERN_MOST = 1024 };
enum search_kind { NONE, LETTERS, WHOLE };

struct found {
    int place, column;
    int failed;
};

/* readline's callbacks carry no context. */
static struct {
    enum search_kind kind;
    int by; /* -1: to older lines */
    char pattern[PATTERN_MOST];
    size_t size, whole; /* of the pattern; of it without an incomplete character */
    struct found at;
    struct found before[PATTERN_MOST]; /* each byte of the pattern */
    int place, point;                  /* of the line that it began in */
    Keymap keys;                       /* without it */
    char last[WHOLE + 1][PATTERN_MOST];
    char *sought; /* of lines that begin so */
} search;

/* ---------------------------------------------------------------- looking */

static int find_in_line(const char *line, int column, int by) {
    int last = (int)strlen(line) - (int)search.size;

    for (column = by < 0 && column > last ? last : column; column >= 0 && column <= last; column += by)
        if (!memcmp(line + column, search.pattern, search.size))
            return column;
    return -1;
}

/* From a place and column on.  A line that is shown already is none that is found. */
static void find(struct found from) {
    char *shown = NULL;

    for (int place = from.place, column = from.column; place >= 0 && place <= recall_count();) {
        const char *line = recall_line(place);
        int at = shown && !strcmp(shown, line) ? -1 : find_in_line(line, column, search.by);
        if (at >= 0) {
            free(shown);
            search.at = (struct found){place, at, 0};
            return;
        }
        if (!shown)
            shown = strdup(recall_line(search.at.place));
        place += search.by;
        column = search.by < 0 && place >= 0 ? (int)strlen(recall_line(place)) : 0;
    }
    free(shown);
    search.at.failed = 1;
    rl_ding();
}

static void show(void) {
    if (search.kind == WHOLE) {
        rl_replace_line(search.pattern, 1);
        rl_point = rl_end;
        rl_message(":");
        return;
    }
    if (search.whole < search.size)
        return;
    recall_show(search.at.place);
    rl_point = search.at.column < rl_end ? search.at.column : rl_end;
    rl_message("(%s%si-search)`%s': ", search.at.failed ? "failed " : "", search.by < 0 ? "reverse-" : "",
               search.pattern);
}

/* ---------------------------------------------------------------- beginning and ending */

int search_goes_on(void) {
    return search.kind != NONE;
}

static void end(void) {
    if (search.size)
        memcpy(search.last[search.kind], search.pattern, search.size + 1);
    search.kind = NONE;
    rl_set_keymap(search.keys);
    rl_clear_message();
}

void search_give_up(void) {
    if (!search.kind)
        return;
    recall_show(search.place);
    rl_point = search.point < rl_end ? search.point : rl_end;
    end();
}

/* For the whole of what was typed. */
static void find_whole(void) {
    struct found start = {search.place + search.by, 0, 0};

    if (!search.size)
        snprintf(search.pattern, sizeof search.pattern, "%s", search.last[WHOLE]);
    search.size = strlen(search.pattern);
    if (search.by < 0 && start.place >= 0)
        start.column = (int)strlen(recall_line(start.place));
    search.at = (struct found){search.place, 0, 0};
    if (search.size)
        find(start);
    if (!search.size || search.at.failed) {
        search_give_up();
        return;
    }
    recall_show(search.at.place);
    end();
}

void search_accept(void) {
    if (search.kind == WHOLE)
        search_give_up();
    else if (search.kind)
        end();
}

/* ---------------------------------------------------------------- the keys meanwhile */

/* Bytes: a character is looked for when it is whole. */
static int type(int count, int key) {
    mbstate_t state = {0};

    (void)count;
    if (search.size + 1 >= sizeof search.pattern) {
        rl_ding();
        return 0;
    }
    search.before[search.size] = search.at;
    search.pattern[search.size++] = (char)key;
    search.pattern[search.size] = '\0';
    size_t used = mbrlen(search.pattern + search.whole, search.size - search.whole, &state);
    if (used == (size_t)-2)
        return 0;
    if (used == (size_t)-1) { /* no character */
        search.pattern[search.size = search.whole] = '\0';
        rl_ding();
        return 0;
    }
    search.whole = search.size;
    if (search.kind == LETTERS)
        find(search.at);
    show();
    return 0;
}

static int take_back(int count, int key) {
    (void)count, (void)key;
    if (!search.size) {
        rl_ding();
        if (search.kind == WHOLE)
            search_give_up();
        return 0;
    }
    do
        search.size--;
    while (search.size && (search.pattern[search.size] & 0xc0) == 0x80);
    search.pattern[search.size] = '\0';
    search.whole = search.size;
    search.at = search.before[search.size];
    show();
    return 0;
}

static int again(int by) {
    if (search.kind == WHOLE) {
        rl_ding();
    } else if (!search.size) {
        search.by = by;
        search_add(search.last[LETTERS]);
        show();
    } else {
        struct found from = search.at;
        if (by == search.by)
            from.column += by;
        search.by = by;
        search.at.failed = 0;
        find(from);
        show();
    }
    return 0;
}

static int again_back(int count, int key) {
    (void)count, (void)key;
    return again(-1);
}

static int again_forward(int count, int key) {
    (void)count, (void)key;
    return again(1);
}

static int give_up(int count, int key) {
    (void)count, (void)key;
    rl_ding();
    search_give_up();
    return 0;
}

static int accept(int count, int key) {
    (void)count, (void)key;
    if (search.kind == WHOLE)
        find_whole();
    else
        search_accept();
    return 0;
}

static int accept_and_run(int count, int key) {
    if (search.kind == WHOLE)
        return accept(count, key);
    search_accept();
    return rl_newline(count, key);
}

/* What follows the match in its line: all of it, or up to the end of a word. */
static int take_over(int all) {
    char rest[PATTERN_MOST];
    size_t size;

    if (search.kind == WHOLE || search.at.failed || (size_t)rl_point + search.size > (size_t)rl_end) {
        rl_ding();
        return 0;
    }
    const char *from = rl_line_buffer + rl_point + search.size;
    size = strlen(from);
    if (!all) {
        size = strspn(from, " \t");
        size += strcspn(from + size, " \t");
    }
    snprintf(rest, sizeof rest, "%.*s", (int)size, from);
    search_add(rest);
    return 0;
}

static int take_word(int count, int key) {
    (void)count, (void)key;
    return take_over(0);
}

static int take_rest(int count, int key) {
    (void)count, (void)key;
    return take_over(1);
}

void search_add(const char *text) {
    for (; search.kind && *text; text++)
        type(1, (unsigned char)*text);
}

/* ---------------------------------------------------------------- their keymap */

/* They are not freed before the end: readline may be in the middle of a key in one of them. */
static struct {
    struct copy {
        Keymap of, map;
    } * list;
    int count;
} copies;

/* All other keys end a search, and do what they always do. */
static int other(int count, int key) {
    KEYMAP_ENTRY entry = {ISFUNC, NULL};

    for (int k = 0; k < copies.count; k++)
        if (copies.list[k].map == rl_executing_keymap) {
            entry = copies.list[k].of[key];
            if (entry.type == ISFUNC && entry.function == rl_do_lowercase_version && key >= 'A' && key <= 'Z')
                entry = copies.list[k].of[key - 'A' + 'a'];
        }
    search_accept();
    if (entry.type == ISMACR && entry.function)
        rl_push_macro_input(strdup((char *)entry.function));
    else if (entry.type == ISFUNC && entry.function)
        return entry.function(count, key);
    else
        rl_ding();
    return 0;
}

static rl_command_func_t *meaning(const KEYMAP_ENTRY *entry, int key, int first) {
    rl_command_func_t *theirs = entry->type == ISFUNC ? entry->function : NULL;

    if (theirs == search_back)
        return again_back;
    if (theirs == search_forward)
        return again_forward;
    if (theirs == rl_rubout || (first && (key == RUBOUT || key == CTRL('H'))))
        return take_back;
    if (theirs == rl_abort || (first && key == CTRL('G')))
        return give_up;
    if (first && key == '\n')
        return accept;
    if (theirs == rl_newline)
        return accept_and_run;
    if (theirs == rl_unix_word_rubout || (first && key == CTRL('W')))
        return take_word;
    if (theirs == rl_yank || (first && key == CTRL('Y')))
        return take_rest;
    return first && key >= ' ' ? type : other;
}

static Keymap copy_of(Keymap of, int first) {
    int k = 0;

    while (k < copies.count && copies.list[k].of != of)
        k++;
    if (k == copies.count) {
        struct copy *more = realloc(copies.list, (size_t)(k + 1) * sizeof *more);
        if (!more)
            return of;
        copies.list = more;
        copies.list[copies.count++] = (struct copy){of, rl_make_bare_keymap()};
    }
    Keymap map = copies.list[k].map;
    for (int key = 0; key < ANYOTHERKEY; key++) {
        Keymap below = bind_map_at(of, key);
        map[key].type = below ? ISKMAP : ISFUNC;
        map[key].function = below ? (rl_command_func_t *)(void *)copy_of(below, 0) : meaning(&of[key], key, first);
    }
    return map;
}

void search_close(void) {
    search_give_up();
    for (int k = 0; k < copies.count; k++)
        free(copies.list[k].map);
    free(copies.list);
    copies.list = NULL;
    copies.count = 0;
    free(search.sought);
    search.sought = NULL;
}

/* ---------------------------------------------------------------- commands */

static int begin(enum search_kind kind, int by) {
    if (search.kind)
        return 0;
    recall_keep();
    search.kind = kind;
    search.by = by;
    search.pattern[search.size = search.whole = 0] = '\0';
    search.place = recall_place();
    search.point = rl_point;
    search.at = (struct found){search.place, rl_point, 0};
    search.keys = rl_get_keymap();
    rl_set_keymap(copy_of(search.keys, 1));
    show();
    return 0;
}

static int direction(int count, int by) {
    return count < 0 ? -by : by;
}

int search_back(int count, int key) {
    (void)key;
    return begin(LETTERS, direction(count, -1));
}

int search_forward(int count, int key) {
    (void)key;
    return begin(LETTERS, direction(count, 1));
}

int search_whole_back(int count, int key) {
    (void)key;
    return begin(WHOLE, direction(count, -1));
}

int search_whole_forward(int count, int key) {
    (void)key;
    return begin(WHOLE, direction(count, 1));
}

static int whole_again(int by) {
    begin(WHOLE, by);
    find_whole();
    return 0;
}

int search_whole_back_again(int count, int key) {
    (void)key;
    return whole_again(direction(count, -1));
}

int search_whole_forward_again(int count, int key) {
    (void)key;
    return whole_again(direction(count, 1));
}

int search_vi(int count, int key) {
    return key == '?' ? search_whole_forward(count, key) : search_whole_back(count, key);
}

int search_vi_again(int count, int key) {
    return key == 'N' ? search_whole_forward_again(count, key) : search_whole_back_again(count, key);
}

static int is_like(rl_command_func_t *command) {
    return command == search_beginning_back || command == search_beginning_forward || command == search_part_back ||
           command == search_part_forward;
}

static int find_like(int by, int anywhere) {
    if (!is_like(rl_last_func) || !search.sought) {
        free(search.sought);
        search.sought = strndup(rl_line_buffer, (size_t)rl_point);
    }
    if (!search.sought || !search.sought[0])
        return by < 0 ? recall_previous(1, 0) : recall_next(1, 0);
    for (int place = recall_place() + by; place >= 0 && place <= recall_count(); place += by) {
        const char *line = recall_line(place), *found = strstr(line, search.sought);
        if (!found || (found != line && !anywhere) || !strcmp(line, rl_line_buffer))
            continue;
        int column = (int)(found - line) + (anywhere ? 0 : (int)strlen(search.sought));
        recall_go(place);
        rl_point = column < rl_end ? column : rl_end;
        rl_mark = rl_end;
        return 0;
    }
    rl_ding();
    return 0;
}

static int find_like_often(int count, int by, int anywhere) {
    for (by = direction(count, by), count = abs(count); count > 0; count--) {
        int place = recall_place();
        find_like(by, anywhere);
        if (recall_place() == place)
            break;
        rl_last_func = search_beginning_back;
    }
    return 0;
}

int search_beginning_back(int count, int key) {
    (void)key;
    return find_like_often(count, -1, 0);
}

int search_beginning_forward(int count, int key) {
    (void)key;
    return find_like_often(count, 1, 0);
}

int search_part_back(int count, int key) {
    (void)key;
    return find_like_often(count, -1, 1);
}

int search_part_forward(int count, int key) {
    (void)key;
    return find_like_often(count, 1, 1);
}
