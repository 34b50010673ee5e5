#include "user_folder.h"

#include <stdio.h>
#include <stdlib.h>

const char *user_folder(const char *variable, const char *otherwise, char out[USER_FOLDER]) {
    const char *base = getenv(variable), *home = getenv("HOME");
    int size = 0;

    out[0] = '\0';
    if (base && base[0] == '/')
        size = snprintf(out, USER_FOLDER, "%s/fettle", base);
    else if (home && home[0] == '/')
        size = snprintf(out, USER_FOLDER, "%s/%s/fettle", home, otherwise);
    if (size >= USER_FOLDER)
        out[0] = '\0';
    return out;
}
