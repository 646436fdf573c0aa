# frozen_string_literal: true

require_relative "helper"
require "open3"
require "rbconfig"
require "tmpdir"

# The gem as others get it, and what its README says.
class PackageTest < Minitest::Test
  include Helpers

  ROOT = File.expand_path("..", __dir__)
  README = File.read(File.join(ROOT, "README.md"))
  CODE = README.scan(/^```ruby\n(.*?)^```/m).flatten.freeze

  def run_ruby(source)
    output, status = Open3.capture2e("timeout", "120", RbConfig.ruby, "-I", File.join(ROOT, "lib"), "-e", source)
    assert_predicate status, :success?, output
    output
  end

  def test_the_first_lines_of_the_readme_run
    output = run_ruby(<<~RUBY)
      require "hubrelay/testing"
      relay = Hubrelay::Testing::FakeRelay.new
      Hubrelay::Client.singleton_class.prepend(Module.new do
        define_method(:new) { |path, **options| super(path, gap_jitter: 0, connector: relay.method(:connect), **options) }
      end)
      def read_room_from_database = "all of it"
      #{CODE[0]}
      written, typed = Thread::Queue.new, Thread::Queue.new
      websocket = Object.new
      websocket.define_singleton_method(:write) { |text| written << text }
      websocket.define_singleton_method(:each) { |&block| while (text = typed.pop) do block.call(text) end }
      serving = Thread.new { serve.call(websocket) }
      Thread.pass until relay.publish("room.7", "from another host") == 1
      puts written.pop
      relay.outage
      relay.recover
      puts written.pop
      typed << "typed"
      puts written.pop
      typed << nil
      serving.join
      Thread.pass until relay.publish("room.7", "the browser has left") == 0
      relay.close
    RUBY
    assert_equal "from another host\nall of it\ntyped\n", output
  end

  def test_the_gem_has_its_licence_and_its_adapter
    files = Gem::Specification.load(File.expand_path("../hubrelay.gemspec", __dir__)).files
    assert_empty %w[LICENSE README.md lib/action_cable/subscription_adapter/hubrelay.rb] - files
  end

  def test_the_hooks_of_the_readme_run
    output = run_ruby(<<~RUBY)
      require "hubrelay"
      #{CODE[1]}
      client = Hubrelay::Client.new("/nowhere", hooks: Tracing.new)
      client.publish("room", "x") rescue p $!.class
    RUBY
    assert_match(/publish took .* s\nHubrelay::NotConnectedError/, output)
  end

  def test_the_test_of_the_readme_passes
    assert_match(/1 runs, 3 assertions, 0 failures, 0 errors/, run_ruby(CODE[2]))
  end

  def test_the_readme_has_every_option_with_its_default
    Hubrelay::Options::DEFAULTS.each do |name, default|
      row = README.lines.find { |line| line.start_with?("|") && line.split("|")[1].include?("`#{name}`") }
      refute_nil row, name
      names, defaults = row.split("|")[1, 2]
      shown = defaults.split(/, (?=\d)/)[names.scan(/`(\w+)`/).flatten.index(name.to_s)].strip
      size = shown.end_with?("MiB") ? shown.to_i << 20 : shown.delete(",").to_f
      assert_equal default, size, name
    end
  end

  # The signatures in sig are what the client really takes and gives, in all that the tests of the client do.
  def test_the_signatures_are_true
    Gem::Specification.find_by_name("rbs")
    environment = { "RBS_TEST_TARGET" => "Hubrelay::*", "RBS_TEST_OPT" => "-r pathname -I sig",
                    "RBS_TEST_LOGLEVEL" => "error" }
    output, status = Open3.capture2e(environment, "timeout", "120", RbConfig.ruby, "-r", "rbs/test/setup", "-I", "lib",
                                     "test/client_test.rb", chdir: ROOT)
    assert_predicate status, :success?, output
  rescue Gem::MissingSpecError
    skip "there is no gem rbs"
  end

  def test_the_gem_can_be_built_and_has_all_its_files
    Dir.mktmpdir do |folder|
      file = File.join(folder, "hubrelay.gem")
      output, status = Open3.capture2e("gem", "build", "hubrelay.gemspec", "-o", file, chdir: ROOT)
      assert_predicate status, :success?, output
      listed, = Open3.capture2("gem", "specification", file, "files")
      Dir.chdir(ROOT) { Dir["lib/**/*.rb"] }.each { |path| assert_includes listed, path }
    end
  end
end
