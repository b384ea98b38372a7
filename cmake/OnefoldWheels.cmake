# SPDX-License-Identifier: Apache-2.0
# Finds libtorch in the torch wheel and Arrow/Parquet in the pyarrow wheel of one Python, and makes
# the imported targets onefold::torch and onefold::arrow.
#
# Not find_package(Torch): with a CUDA wheel its config demands a CUDA toolkit even where only the
# libraries are needed. Not find_package(Arrow): the wheel ships no CMake config.

set(ONEFOLD_PYTHON "" CACHE FILEPATH "Python that has the torch and pyarrow wheels")
if(ONEFOLD_PYTHON_PACKAGE AND Python_EXECUTABLE)
  set(ONEFOLD_PYTHON ${Python_EXECUTABLE})  # whichever pip builds with
elseif(NOT ONEFOLD_PYTHON)
  if(EXISTS ${CMAKE_SOURCE_DIR}/.venv/bin/python)
    set(ONEFOLD_PYTHON ${CMAKE_SOURCE_DIR}/.venv/bin/python)
  else()
    find_program(_onefold_python3 python3 REQUIRED)
    set(ONEFOLD_PYTHON ${_onefold_python3})
  endif()
endif()

# tools/wheels.py prints one CMake list: torch dir, torch version, pyarrow dir, pyarrow version.
# It is also where versions and the C++ ABI of both wheels are checked.
set(_wheels_flags --cmake)
if(ONEFOLD_PYTHON_PACKAGE)
  list(APPEND _wheels_flags --torch-only)
endif()
execute_process(COMMAND ${ONEFOLD_PYTHON} ${CMAKE_SOURCE_DIR}/tools/wheels.py ${_wheels_flags}
                OUTPUT_VARIABLE _wheels ERROR_VARIABLE _wheels_error RESULT_VARIABLE _wheels_rc
                OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT _wheels_rc EQUAL 0)
  message(FATAL_ERROR "${_wheels_error}")
endif()
list(GET _wheels 0 ONEFOLD_TORCH_DIR)
list(GET _wheels 1 ONEFOLD_TORCH_VERSION)
if(NOT ONEFOLD_PYTHON_PACKAGE)
  list(GET _wheels 2 ONEFOLD_ARROW_DIR)
  list(GET _wheels 3 ONEFOLD_ARROW_VERSION)
endif()
message(STATUS "libtorch ${ONEFOLD_TORCH_VERSION}, Arrow ${ONEFOLD_ARROW_VERSION} (wheels of ${ONEFOLD_PYTHON})")

# One imported library per wheel library; the wheels ship versioned names, so find by pattern.
function(_onefold_wheel_library target pattern)
  file(GLOB found ${pattern})
  if(NOT found)
    message(FATAL_ERROR "No file matches ${pattern}: the wheel is incomplete. Run tools/setup again.")
  endif()
  list(SORT found)
  list(GET found 0 location)
  add_library(${target} SHARED IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${location} IMPORTED_NO_SONAME FALSE)
endfunction()

add_library(onefold_torch INTERFACE)
add_library(onefold::torch ALIAS onefold_torch)
target_include_directories(onefold_torch SYSTEM INTERFACE
  ${ONEFOLD_TORCH_DIR}/include ${ONEFOLD_TORCH_DIR}/include/torch/csrc/api/include)
# The torch wheel ships fmt's headers and they win over the system's; header-only, they need no library.
target_compile_definitions(onefold_torch INTERFACE FMT_HEADER_ONLY)
foreach(lib c10 torch_cpu torch)
  _onefold_wheel_library(onefold_wheel_${lib} ${ONEFOLD_TORCH_DIR}/lib/lib${lib}.so)
  target_link_libraries(onefold_torch INTERFACE onefold_wheel_${lib})
endforeach()
# at::parallel_for is a header template over OpenMP and runs serially in files compiled without it.
# Link the OpenMP runtime that libtorch itself loads: a second one would start a second thread pool.
file(GLOB _onefold_gomp ${ONEFOLD_TORCH_DIR}/lib/libgomp*.so*)
if(_onefold_gomp)
  list(GET _onefold_gomp 0 _onefold_gomp)
  target_link_libraries(onefold_torch INTERFACE ${_onefold_gomp})
else()
  find_package(OpenMP REQUIRED)
  target_link_libraries(onefold_torch INTERFACE OpenMP::OpenMP_CXX)
endif()
target_compile_options(onefold_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
set(ONEFOLD_TORCH_HAS_CUDA OFF)
if(EXISTS ${ONEFOLD_TORCH_DIR}/lib/libtorch_cuda.so AND ONEFOLD_HAVE_CUDA)
  set(ONEFOLD_TORCH_HAS_CUDA ON)
  foreach(lib c10_cuda torch_cuda)
    _onefold_wheel_library(onefold_wheel_${lib} ${ONEFOLD_TORCH_DIR}/lib/lib${lib}.so)
  endforeach()
  # libtorch_cuda registers its kernels when it is loaded and nothing refers to it by name.
  target_link_libraries(onefold_torch INTERFACE
    -Wl,--no-as-needed onefold_wheel_torch_cuda onefold_wheel_c10_cuda -Wl,--as-needed CUDA::cudart)
endif()

# The wheels' own libraries find their neighbours; our programs must find the wheels.
list(APPEND CMAKE_BUILD_RPATH ${ONEFOLD_TORCH_DIR}/lib)
if(ONEFOLD_PYTHON_PACKAGE)
  return()
endif()

add_library(onefold_arrow INTERFACE)
add_library(onefold::arrow ALIAS onefold_arrow)
target_include_directories(onefold_arrow SYSTEM INTERFACE ${ONEFOLD_ARROW_DIR}/include)
foreach(lib arrow parquet)
  _onefold_wheel_library(onefold_wheel_${lib} ${ONEFOLD_ARROW_DIR}/lib${lib}.so.*)
  target_link_libraries(onefold_arrow INTERFACE onefold_wheel_${lib})
endforeach()
list(APPEND CMAKE_BUILD_RPATH ${ONEFOLD_ARROW_DIR})
