/* Metrics that somebody watches. */
#ifndef FETTLE_TRAIN_RUN_MONITORS_H
#define FETTLE_TRAIN_RUN_MONITORS_H

#include "config/node.h"

struct trainer;
struct trainer_settings;
struct callback;

/* Who watches a metric, and what becomes of it where that is never logged. */
struct watcher {
    const char *who, *name;
    const struct config_node *config;
    int rests; /* where nothing is validated; else it is an error */
};
struct watcher watcher_schedule(const struct config_node *config, const char *monitor, int strict);
/* name: NULL where the kind watches nothing */
struct watcher watcher_callback(const struct callback *callback, const struct trainer_settings *how);
/* Before data is read: an error where a run that trains never logs it. */
int watcher_check(const struct watcher *watcher, const struct trainer_settings *how, struct error *error);
/* The same once the data are known, of all that watch; who rests is named. */
int monitors_check(struct trainer *trainer, const struct config_node *schedule, struct error *error);

#endif
