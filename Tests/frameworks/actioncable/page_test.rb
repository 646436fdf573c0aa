# frozen_string_literal: true

require "minitest/autorun"
require "open3"
require "rbconfig"
require "yaml"

# What docs/actioncable.md shows. Its channel and its JavaScript are run by test_javascript.py.
class PageTest < Minitest::Test
  PAGE = File.read(File.expand_path("../../../proto/clients/ruby/docs/actioncable.md", __dir__))

  def run_ruby(source)
    output, status = Open3.capture2e("timeout", "60", RbConfig.ruby, "-W0", "-e", source)
    assert_predicate status, :success?, output
    output
  end

  def block_with(text)
    PAGE.scan(/^```ruby\n(.*?)^```/m).flatten.find { |code| code.include?(text) }
  end

  def test_cable_yml_after_the_change
    added = PAGE[/^```diff\n(.*?)^```/m, 1].lines.reject { |line| line.start_with?("-") }.map { |line| line[1..] }
    yaml = YAML.safe_load(added.join[/^production:.*/m]).fetch("production")
    assert_equal({ "adapter" => "hubrelay", "socket" => "/run/hubrelay/hubrelay.sock",
                   "channel_prefix" => "chat_production" }, yaml)
    assert_equal "/run/hubrelay/hubrelay.sock chat_production:room\n", run_ruby(<<~RUBY)
      require "active_support/all"
      require "hubrelay" # all that the Gemfile does
      require "action_cable"
      ActionCable.server.config.cable = #{yaml.inspect}.with_indifferent_access
      adapter = ActionCable.server.pubsub
      puts "\#{adapter.client.path} \#{adapter.send(:channel_with_prefix, 'room')}"
    RUBY
  end

  def test_the_initializer
    assert_equal "read again: Redis was away\nrooms\n", run_ruby(<<~RUBY)
      require "active_support/all"
      require "hubrelay"
      module Rails
        def self.logger = Object.new.tap { |log| def log.warn(text) = puts(text) }
        def self.cache = Object.new.tap { |cache| def cache.delete(key) = puts(key) }
      end
      #{block_with('config/initializers')}
      ActiveSupport::Notifications.instrument("gap.hubrelay", event: Hubrelay::Gap.new(reasons: ["Redis was away"]))
    RUBY
  end

  def test_the_name_that_stands_for_a_long_one
    output = run_ruby(<<~RUBY)
      require "active_support/all"
      require "action_cable"
      require "action_cable/subscription_adapter/hubrelay"
      puts(#{block_with('Digest')})
      puts ActionCable::SubscriptionAdapter::Hubrelay::Settings.new({}).relay_name("x" * 513)
    RUBY
    assert_equal 1, output.lines.uniq.size
  end

  def test_every_option_is_there_with_its_default
    rows = PAGE.scan(/^\| `(\w+)` \| (.*?) \|/).to_h
    expected = run_ruby(<<~RUBY).split
      require "active_support/all"
      require "action_cable"
      require "action_cable/subscription_adapter/hubrelay"
      settings = ActionCable::SubscriptionAdapter::Hubrelay::Settings
      puts settings.send(:const_get, :OWN) - [:adapter], settings.new({}).timeout, settings.new({}).path
    RUBY
    *names, timeout, path = expected
    assert_empty names - rows.keys
    assert_equal [timeout, "`#{path}`", "none", "false"],
                 rows.values_at("timeout", "socket", "events_stream", "reconnect_on_gap")
  end
end
