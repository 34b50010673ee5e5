#include "await.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <readline/readline.h>

/* readline's callbacks carry no context. */
static struct {
    Keymap keys, before; /* before: NULL where nothing waits */
    int count, by;       /* by: 0 for what is to be inserted, -1 for a search to the left */
    char character[MB_LEN_MAX + 1];
    size_t size;
} await;

int await_goes_on(void) {
    return await.before != NULL;
}

void await_give_up(void) {
    if (await.before)
        rl_set_keymap(await.before);
    await.before = NULL;
}

void await_close(void) {
    await_give_up();
    free(await.keys);
    await.keys = NULL;
}

static void find(void) {
    int by = await.count < 0 ? -await.by : await.by, at = rl_point;

    for (int left = abs(await.count); left > 0; left--) {
        do
            at += by;
        while (at >= 0 && at + (int)await.size <= rl_end && memcmp(rl_line_buffer + at, await.character, await.size));
        if (at < 0 || at + (int)await.size > rl_end) {
            rl_ding();
            return;
        }
    }
    rl_point = at;
}

static int take(int count, int key) {
    mbstate_t state = {0};

    (void)count;
    if (!await.by) {
        await_give_up();
        return rl_insert(await.count > 0 ? await.count : 1, key);
    }
    await.character[await.size++] = (char)key;
    if (await.size < MB_LEN_MAX && mbrlen(await.character, await.size, &state) == (size_t)-2)
        return 0;
    await_give_up();
    find();
    return 0;
}

static int begin(int count, int by) {
    if (!await.keys) {
        await.keys = rl_make_bare_keymap();
        for (int key = 0; key < ANYOTHERKEY; key++)
            await.keys[key].function = take;
    }
    await.count = count;
    await.by = by;
    await.size = 0;
    await.before = rl_get_keymap();
    rl_set_keymap(await.keys);
    return 0;
}

int await_insert(int count, int key) {
    (void)key;
    return begin(count, 0);
}

int await_find(int count, int key) {
    (void)key;
    return begin(count, 1);
}

int await_find_back(int count, int key) {
    (void)key;
    return begin(count, -1);
}
