# frozen_string_literal: true

require "hubrelay"
require_relative "lines"

# The conformance driver: a thread for each request.
class Driver
  # Raised in the thread of a request that is to be given up.
  class Cancelled < StandardError; end

  # Says when a request has been made, so that the next one comes behind it.
  module SaysWhenMade
    def attend(...)
      Thread.current[:made]&.push(true)
      super
    end
  end
  Hubrelay.const_get(:Reactor).prepend(SaysWhenMade)

  COMMANDS = %w[publish publish-now tell subscribe unsubscribe listen unlisten fork ping hold release memory
                close].freeze

  def initialize
    @client = nil
    @subscriptions = {}
    @requests = {}
    @mutex = Mutex.new
    @may_take = ConditionVariable.new
    @held = false
  end

  def run
    Lines.say("driver 1 ruby hubrelay cancel jitter inflight-bound unsent-bound events-bound fork " \
              "hang-up subscription-end")
    $stdin.each_line(chomp: true) do |line|
      command, *words = line.split(/ /, -1) # " " would mean any white space
      case command
      when "quit" then break
      when "open" then open_client(*words)
      when "cancel" then @requests[words[0]]&.raise(Cancelled)
      when *COMMANDS then request(command.tr("-", "_"), *words)
      end
    end
    exit!(0)
  end

  private

  def open_client(path, name, *words)
    @client = Hubrelay::Client.new(Lines.name(path), name: Lines.name(name), **Lines.options(words)).connect
    Thread.new { report(@client.events) }
  rescue Hubrelay::InvalidError => e
    Lines.say("fatal", Lines.quoted(e.message))
  end

  # Begins a request in a thread of its own, and returns once it has been made.
  def request(command, tag, *words)
    made = Thread::Queue.new
    @requests[tag] = Thread.new do
      Thread.current[:made] = made
      Thread.handle_interrupt(Cancelled => :never) { perform(command, tag, words) }
      @requests.delete(tag)
      made.push(true)
    end
    made.pop
  end

  def perform(command, tag, words)
    result = Thread.handle_interrupt(Cancelled => :immediate) { __send__("do_#{command}", *words) }
    Lines.say("done", tag, *result)
  rescue Cancelled
    Lines.say("done", tag, "CANCELLED")
  rescue Hubrelay::Error => e
    Lines.say("done", tag, *Lines.failure(e))
  end

  def report(stream, *sub)
    loop do
      wait_until_released
      event = stream.pop or break
      wait_until_released
      Lines.say("event", *Lines.event(event), *sub)
    end
    Lines.say("event end", *sub)
  end

  def wait_until_released
    @mutex.synchronize { @may_take.wait(@mutex) while @held }
  end

  def do_publish(channel, payload, wait: true)
    ["OK", "receivers=#{@client.publish(Lines.name(channel), Lines.payload(payload), wait:)}"]
  end

  def do_publish_now(channel, payload)
    do_publish(channel, payload, wait: false)
  end

  def do_tell(channel, payload)
    @client.post(Lines.name(channel), Lines.payload(payload))
    "SENT"
  end

  def do_subscribe(*words)
    channels, patterns = Lines.names(words)
    @client.subscribe(*channels, patterns:).to_s.upcase
  end

  def do_unsubscribe(*words)
    channels, patterns = Lines.names(words)
    @client.unsubscribe(*channels, patterns:).to_s.upcase
  end

  def do_listen(handle, *words)
    channels, patterns = Lines.names(words)
    subscription = @client.listen(*channels, patterns:)
    @subscriptions[handle] = subscription
    Thread.new { report(subscription, "sub=#{handle}") }
    subscription.outcome.to_s.upcase
  end

  def do_unlisten(handle)
    @subscriptions.delete(handle).close
    "OK"
  end

  def do_fork
    fork do
      publish_in_child
      exit!(0)
    end
    "OK"
  end

  def publish_in_child
    @client.publish("forked", "from the child")
  rescue Hubrelay::Error => e
    Lines.say("log", Lines.quoted("the child's publish failed: #{e.message}"))
  end

  def do_ping
    @client.ping
    "OK"
  end

  def do_hold
    @mutex.synchronize { @held = true }
    "OK"
  end

  def do_release
    @mutex.synchronize do
      @held = false
      @may_take.broadcast
    end
    "OK"
  end

  def do_memory
    pages = Integer(File.read("/proc/self/statm").split[1])
    ["OK", "rss=#{pages * 4096}"]
  end

  def do_close
    @client.close
    "OK"
  end
end

Driver.new.run
