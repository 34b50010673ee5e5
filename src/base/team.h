/* A persistent team of threads.  team_run runs one function on all members, the caller being member 0, and returns
 * when all are done.  Members spin for a moment between runs, then sleep.  team_barrier is for use inside. */
#ifndef FETTLE_BASE_TEAM_H
#define FETTLE_BASE_TEAM_H

struct team;

enum { TEAM_MOST = 1024 }; /* members */

struct team *team_new(int threads); /* NULL if so many threads cannot be started */
void team_free(struct team *team);
/* A child after fork has none of its parent's threads: members are started for it.  No thread may be in the team.
 * Nonzero if they cannot be started. */
int team_revive(struct team *team);
int team_size(const struct team *team);
void team_run(struct team *team, void (*run)(void *context, int member, int members), void *context);
void team_barrier(struct team *team, int member);

/* The number of threads to use where nobody says: FETTLE_NUM_THREADS, else OMP_NUM_THREADS, else processors_usable().
 */
int team_default_size(void);

#endif
