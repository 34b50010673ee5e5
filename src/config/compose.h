/* How a config is put together of several files, as Hydra 1.3 does by `defaults:` lists. */
#ifndef FETTLE_CONFIG_COMPOSE_H
#define FETTLE_CONFIG_COMPOSE_H

#include "config/config_internal.h"

enum { COMPOSE_FOLDERS = 16, COMPOSE_DEPTH = 64, COMPOSE_FILES = 1000 };

/* A file of the folders that are searched. */
struct config_source {
    const char *name;                   /* "model/small" */
    const char *file;                   /* NULL: there is none */
    const char *package;                /* of its line "# @package NAME"; NULL: it has none */
    struct config_node *root;           /* without `defaults` */
    const struct config_node *defaults; /* the list, or NULL */
};

/* Config files that were found or not, each read once. */
struct sources {
    struct config *config;
    const char *folders[COMPOSE_FOLDERS];
    size_t nfolders;
    struct config_source *list[COMPOSE_FILES];
    size_t count;
};

/* Reads the file of that name below the folders, unless it has been read; source->file is NULL where there is none. */
int sources_load(struct sources *sources, const char *name, struct config_source **out, struct error *error);
/* Reads `file` as the config `name`, wherever it lies. */
int sources_add(struct sources *sources, const char *file, const char *name, struct config_source **out,
                struct error *error);
int sources_has_group(const struct sources *sources, const char *group);
void sources_options(const struct sources *sources, const char *group, struct text *out); /* "a, b", sorted */

/* An element of a defaults list; with `children`, that of a file with a list of its own. */
struct element {
    enum { ELEMENT_CONFIG, ELEMENT_GROUP, ELEMENT_SELF } kind;
    const struct config_node *place; /* where it stands */
    const char *name;                /* of the group; of the config; as written, "/" in front: from the top */
    const char *value;               /* the choice of the group; NULL: null */
    const char **choices;            /* several; NULL: one */
    size_t nchoices;
    const char *package, *header; /* what stands behind @, and in the file; NULL: nothing */
    const char *base, *above;     /* group path and package of the file that lists it; NULL: not known yet */
    int optional, override, appended, deleted, primary;
    struct element **children;
    size_t count;
};

/* A choice that is made elsewhere: by an override of the command line or of a list. */
struct choice {
    const char *key;   /* GROUP, or GROUP@PACKAGE where that is not its own */
    const char *value; /* NULL: any, for a deletion */
    const char **choices;
    size_t nchoices;
    const struct config_node *place;
    const char *text; /* the override of the command line; NULL: of a list */
    int deletes, used;
};

struct composing {
    struct sources sources;
    struct error *error;
    struct choice *choices;
    size_t nchoices, choices_capacity;
    struct element **appended; /* by +GROUP=VALUE */
    size_t nappended;
    struct config_node *known; /* GROUP: choice, in the order met */
    size_t elements;
};

/* The tree of the primary config's defaults; and what the config's folders have of groups of Hydra that were chosen. */
int defaults_expand(struct composing *composing, struct element *primary, struct element ***hydra, size_t *nhydra);
/* The element's config file, as a name below the folders; and where in the config it goes, "" for the top. */
const char *element_config(const struct composing *composing, const struct element *element);
const char *element_package(const struct composing *composing, const struct element *element);
const char *element_key(const struct composing *composing, const struct element *element); /* GROUP[@PACKAGE] */
/* Where the choice for that key is, or shall be. */
struct choice *composing_choice(struct composing *composing, const char *key, int deletes);

#endif
