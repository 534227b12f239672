// glibc's own functions, of its allocator and its name service, which the module that Swift makes of glibc leaves out.
// Empty with another libc.
#pragma once
#include <features.h>
#ifdef __GLIBC__
#include <malloc.h>
#include <nss.h>
#endif
