# SPDX-License-Identifier: Apache-2.0
# Sets ONEFOLD_HAVE_CUDA. Without nvcc the same symbols come from kernels/no_cuda.cc, so no other
# file needs to know.

if(ONEFOLD_PYTHON_PACKAGE AND ONEFOLD_CUDA STREQUAL "AUTO")
  # A CPU build of Torch never has a CUDA tensor for the kernels, and they take minutes to compile.
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import sys, torch; sys.exit(torch.version.cuda is None)"
                  RESULT_VARIABLE _torch_without_cuda ERROR_QUIET)
  if(_torch_without_cuda)
    set(ONEFOLD_CUDA OFF)
  endif()
endif()

set(ONEFOLD_HAVE_CUDA OFF)
if(NOT ONEFOLD_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 90a)
    endif()
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 20)
    # CMake 3.25.1 does not know yet that nvcc 12 and newer take C++20.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    find_package(CUDAToolkit REQUIRED)
    set(ONEFOLD_HAVE_CUDA ON)
    message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION}: kernels are compiled for sm_${CMAKE_CUDA_ARCHITECTURES}")
  elseif(ONEFOLD_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ONEFOLD_CUDA=ON but no nvcc was found. Install the CUDA toolkit, or put "
                        "nvcc on PATH, or configure with -DONEFOLD_CUDA=AUTO to build for the CPU.")
  else()
    message(STATUS "CUDA: no nvcc found; building for the CPU only")
  endif()
endif()
