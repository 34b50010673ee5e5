/* Threads that signals do not go to: these are the business of the thread that owns the terminal.  What a thread brings
 * upon itself (SIGBUS, SIGSEGV, SIGFPE, SIGILL) still finds its handler; blocked, it would end the program. */
#ifndef FETTLE_BASE_THREAD_H
#define FETTLE_BASE_THREAD_H

#include <pthread.h>

/* As pthread_create: 0, or why not. */
int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

#endif
