# The manual pages and the completion, written by the program from its own tables:
#
#     cmake -DPROGRAM=... -DINPUT=fettle.1.in -DTO=FOLDER -DVERSION=... -P assemble.cmake
cmake_minimum_required(VERSION 3.25)
foreach(page commands options completion)
  execute_process(COMMAND ${PROGRAM} help ${page} OUTPUT_VARIABLE ${page} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} help ${page}: ${status}")
  endif()
endforeach()
file(READ ${INPUT} page)
string(REPLACE "@OPTIONS@\n" "${options}" page "${page}")
string(REPLACE "@VERSION@" "${VERSION}" page "${page}")
file(WRITE ${TO}/fettle.1 "${page}")
file(WRITE ${TO}/fettle-commands.7 "${commands}")
file(WRITE ${TO}/fettle.bash "${completion}")
