"""The page of `elmo-tasks demo`. Its HTML is made without a web framework; only `server` and `guard` use one."""
