// prctl(2) takes any number of arguments, which Swift cannot call.
#pragma once
#include <sys/prctl.h>

/// Makes this process the parent of its descendants' orphans. 0, or -1 with errno.
static inline int become_child_subreaper(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}
