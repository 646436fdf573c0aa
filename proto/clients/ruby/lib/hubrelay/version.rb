# frozen_string_literal: true

module Hubrelay
  # The version of this gem, by SemVer.
  VERSION = "0.1.0"
end
