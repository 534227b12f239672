// SQLite, found by pkg-config (sqlite3): the file behind the KeyValueFile target.
#pragma once
#include <sqlite3.h>
