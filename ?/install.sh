# installs
