// Preloaded into the server under valgrind, and nowhere else.
//
// Swift's asynchronous main parks the first thread in libdispatch, which waits in sigsuspend() with a mask that is a
// constant, in read-only memory. Valgrind up to 3.19 edits the caller's mask in place and dies of SIGSEGV ("the
// 'impossible' happened"). A copy on the stack can be edited.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, (size_t)8);
}
