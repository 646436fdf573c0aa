# frozen_string_literal: true

require_relative "lib/hubrelay/version"

Gem::Specification.new do |spec|
  spec.name = "hubrelay"
  spec.version = Hubrelay::VERSION
  spec.authors = ["The hubrelay authors"]
  spec.summary = "The backplane of real-time servers over a Unix socket"
  spec.description = "Publish and listen through a hubrelay beside your app server, which carries messages between " \
                     "hosts by Redis pub/sub. For threads and fibers, with puma's preload_app!; no dependencies."
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  spec.metadata = { "rubygems_mfa_required" => "true" }
  spec.files = Dir.chdir(__dir__) do
    Dir["lib/**/*.rb", "sig/**/*.rbs", "examples/*.rb", "docs/*.md", "README.md", "LICENSE"]
  end
  spec.require_paths = ["lib"]
end
