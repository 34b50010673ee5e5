/* Statistics of a training set, for ${training_data_stats:NAME}: NequIP's DataStatisticsManager and the two ready-made
 * ones, CommonDataStatisticsManager and EnergyOnlyDataStatisticsManager. */
#ifndef FETTLE_DATA_SET_STATS_H
#define FETTLE_DATA_SET_STATS_H

#include "config/node.h"
#include "data/set/dataset.h"
#include "data/set/loader.h"

struct stats;

/* config: the map under stats_manager; it must live as long as the statistics. */
int stats_new(struct stats **out, const struct config_node *config, struct error *error);
int stats_check(const struct config_node *config, struct error *error);
void stats_free(struct stats *stats);

/* Computes everything over the frames that the loader's first epoch has (all, unless drop_last).  Each frame must have
 * its types and neighbours. */
int stats_compute(struct stats *stats, const struct dataset *dataset, const struct loader_settings *settings,
                  uint64_t seed, struct error *error);

/* What its pass over so many frames is drawn by: the training set's settings, with those that the manager changes. */
int stats_loader(struct stats *stats, const struct loader_settings *settings, int64_t count, struct loader *out,
                 struct error *error);

size_t stats_count(const struct stats *stats);
const char *stats_name(const struct stats *stats, size_t k);
/* A statistic by name ("forces_rms", "per_type_forces_rms", and "per_type_forces_rms_Cu" for one type); the arrays in
 * *out belong to stats. */
int stats_get(const struct stats *stats, const char *name, struct config_statistic *out, struct error *error);

#endif
