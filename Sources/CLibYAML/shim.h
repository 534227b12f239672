// libyaml, found by pkg-config (yaml-0.1): the event parser and the emitter behind the YAML target.
#pragma once
#include <yaml.h>
