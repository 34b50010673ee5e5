/* One log for the program.  Nothing in the library prints: messages go to the sink that the front end sets. */
#ifndef FETTLE_BASE_LOG_H
#define FETTLE_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR };

typedef void log_sink(void *context, enum log_level level, const char *message);

void log_set_sink(log_sink *sink, void *context);
/* The level of FETTLE_LOG_LEVEL, or of _NEQUIP_LOG_LEVEL, INFO where neither is set. */
enum log_level log_threshold(void);
void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
