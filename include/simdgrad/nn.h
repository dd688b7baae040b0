// Layers, losses, containers and their functions.
#pragma once

#include <simdgrad/nn/any_module.h>
#include <simdgrad/nn/functional.h>
#include <simdgrad/nn/init.h>
#include <simdgrad/nn/layers.h>
#include <simdgrad/nn/losses.h>
#include <simdgrad/nn/module.h>
#include <simdgrad/nn/sequential.h>
