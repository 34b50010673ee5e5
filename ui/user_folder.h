/* Where the user's own files lie, as freedesktop's base directories say. */
#ifndef FETTLE_UI_USER_FOLDER_H
#define FETTLE_UI_USER_FOLDER_H

enum { USER_FOLDER = 4000 };

/* fettle's folder below $VARIABLE, or below ~/OTHERWISE; "" where there is none.  It need not exist. */
const char *user_folder(const char *variable, const char *otherwise, char out[USER_FOLDER]);

#endif
