/* Command lines in an open session. */
#include <stdlib.h>
#include <string.h>
#include "common.h"
#include "kept_session.h"
#include "session/session.h"

enum { LONGEST = 2000 };

void fuzz_open(void) {
    fuzz_fence = FENCE_REFUSES;
    kept_session();
}

static void nothing(void *context, const char *candidate) {
    (void)context, (void)candidate;
}

void fuzz_input(const uint8_t *data, size_t size) {
    struct session *session = kept_session();
    struct error error = {0};
    if (size > LONGEST)
        return;
    char *text = fuzz_text(data, size), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && !session_finished(session);) {
        char *space = strrchr(line, ' ');
        kept_session(); /* each line may train */
        session_complete(session, line, space ? space + 1 : line, nothing, NULL);
        fuzz_told(session_execute(session, line, &error), &error);
    }
    free(text);
    kept_session_return();
}
