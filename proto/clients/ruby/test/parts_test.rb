# frozen_string_literal: true

require_relative "helper"

class BackoffTest < Minitest::Test
  include Internals

  def setup
    @backoff = Backoff.new(Hubrelay::Options.new)
  end

  def test_the_bound_doubles_up_to_the_last_one
    bounds = [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]
    bounds.each { |bound| assert_includes 0..bound, @backoff.next_delay }
    200.times { assert_includes 0..0.5, @backoff.next_delay }
  end

  def test_the_delay_is_random_over_its_whole_range
    10.times { @backoff.next_delay }
    delays = Array.new(300) { @backoff.next_delay }
    assert_operator delays.min, :<, 0.05
    assert_operator delays.max, :>, 0.45
  end

  def test_only_a_good_connection_makes_it_begin_anew
    10.times { @backoff.next_delay }
    @backoff.ended(4.9)
    assert_operator Array.new(100) { @backoff.next_delay }.max, :>, 0.1
    @backoff.ended(5.0)
    assert_operator @backoff.next_delay, :<=, 0.02
  end

  def test_after_a_hopeless_answer_half_of_the_bound_is_the_least
    [1, 2, 4, 8, 16, 30, 30].each do |bound|
      assert_includes (bound / 2.0)..bound, @backoff.next_delay(hopeless: true)
    end
    assert_operator @backoff.next_delay, :<=, 0.02
  end
end

class WatchTest < Minitest::Test
  include Internals

  def test_when_the_next_step_is_due
    watch = Watch.new(Hubrelay::Options.new(ping_owed: 5, ping_idle: 15, ping_timeout: 4))
    assert_equal 115, watch.due(100, nil, nil)
    assert_equal 105, watch.due(100, 90, nil)
    assert_equal 109, watch.due(100, 104, nil)
    assert_equal 114, watch.due(100, 104, 110)
    assert_equal 5, watch.period
  end
end

class NamesTest < Minitest::Test
  include Internals

  def test_names_are_bytes_that_are_utf8
    assert_equal "é", Names.checked("é".b)
    assert_equal "é", Names.checked("é".encode("ISO-8859-1"))
    assert_predicate Names.checked(+"room"), :frozen?
    ["", "n" * 513, "é" * 257, "\xFF", "\xFF".b, "\xED\xA0\x80", :""].each do |name|
      assert_raises(Hubrelay::InvalidError, name.inspect) { Names.checked(name) }
    end
    assert_equal "room", Names.checked(:room)
    assert_equal [[], ["room.*"]], Names.checked_lists([], "room.*")
    [nil, 7, ["room"]].each { |name| assert_raises(TypeError, name.inspect) { Names.checked(name) } }
    assert_equal 512, Names.checked("é" * 256).bytesize
  end

  def test_the_name_of_a_client_has_64_bytes
    assert_equal "é" * 32, Names.checked_client_name("é" * 32)
    assert_raises(Hubrelay::InvalidError) { Names.checked_client_name("é" * 33) }
  end

  def test_lists_are_split_into_frames_that_fit
    table = Names.new
    names = table.entries_of((1..500).map { |number| "room.#{number}" }, ["user.*"])
    portions = Names.in_frames(names, 500).to_a
    assert_equal names, portions.flatten
    assert_operator portions.size, :>, 10
    portions.each { |portion| assert_operator portion.sum { |name| name.field.bytesize }, :<=, 500 - 32 }
    assert_empty Names.in_frames([], 500).to_a
  end
end

class TimersTest < Minitest::Test
  include Internals

  def test_what_one_timer_changes_counts_for_the_next
    timers = Timers.new
    timers.set(:a, 0)
    timers.set(:b, 0)
    timers.set(:c, 100)
    taken = []
    timers.take_due(Clock.now + 1) do |name, _|
      taken << name
      timers.cancel(:b)
    end
    assert_equal [:a], taken
    assert_equal timers.due_at(:c), timers.deadline
    timers.cancel(:c)
    assert_nil timers.deadline
  end
end

class GlobTest < Minitest::Test
  include Internals

  def test_patterns_are_redis
    { "room.*" => %w[room. room.7], "h?llo" => %w[hello hallo], "h[ae]llo" => %w[hello hallo], "h[^e]llo" => %w[hallo],
      "h[a-b]llo" => %w[hallo], "h[b-a]llo" => %w[hallo], "a\\*c" => %w[a*c], "[\\]]" => ["]"], "a\nb" => ["a\nb"],
      "*" => ["", "a\nb", "é"] }.each do |pattern, channels|
      channels.each { |channel| assert Glob.match?(pattern, channel), "#{pattern} #{channel}" }
    end
    { "room.*" => %w[room broom.7], "h?llo" => %w[hllo heello], "h[^e]llo" => %w[hello], "a\\*c" => %w[abc],
      "caf?" => %w[café], "a.c" => %w[abc], "h[]llo" => %w[hello] }.each do |pattern, channels|
      channels.each { |channel| refute Glob.match?(pattern, channel), "#{pattern} #{channel}" }
    end
  end
end

class OptionsTest < Minitest::Test
  def test_options_are_checked
    assert_equal 4 << 20, Hubrelay::Options.new.events_bytes
    assert_raises(ArgumentError) { Hubrelay::Client.new("x", no_such_option: 1) }
    assert_raises(ArgumentError) { Hubrelay::Client.new("x", drain: "8") }
    assert_raises(ArgumentError) { Hubrelay::Client.new("x", unanswered: -1) }
    assert_raises(ArgumentError) { Hubrelay::Client.new("x", drain: Float::NAN) }
    assert_predicate Hubrelay::Options.new, :frozen?
  end

  def test_errors_have_their_outcome
    assert_equal %i[not_connected interrupted refused invalid limit congested closed unknown],
                 [Hubrelay::NotConnectedError, Hubrelay::InterruptedError, Hubrelay::RefusedError,
                  Hubrelay::InvalidError, Hubrelay::LimitError, Hubrelay::CongestedError, Hubrelay::ClosedError,
                  Hubrelay::UnknownError].map(&:outcome)
    assert_equal :refused, Hubrelay::RefusedError.new("no").outcome
  end
end
