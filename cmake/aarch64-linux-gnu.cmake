# Toolchain for 64-bit ARM from a Debian machine:
#   dpkg --add-architecture arm64; apt-get update
#   apt-get install g++-aarch64-linux-gnu qemu-user libtbb-dev:arm64 zlib1g-dev:arm64 catch2
#   cmake --preset dev -B build/aarch64 --toolchain cmake/aarch64-linux-gnu.cmake
# With qemu-user installed, CTest runs the suite through it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
find_program(QEMU_AARCH64 NAMES qemu-aarch64 qemu-aarch64-static)
if(QEMU_AARCH64)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU_AARCH64} -L /usr/aarch64-linux-gnu)
endif()
