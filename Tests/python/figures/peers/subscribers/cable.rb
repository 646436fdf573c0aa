# frozen_string_literal: true

# A subscriber on ActionCable's own adapter for Redis, or on hubrelay's.
#
#   cable.rb NAME SETTINGS      `actioncable`, `actioncable_checked` or `hubrelay`; JSON: address, sentinels, service,
#                               relay
require "action_cable"
require "active_support/all"
require "json"
require "logger"

$stdout.sync = true

def line(*words)
  "#{format('%.6f', Process.clock_gettime(Process::CLOCK_MONOTONIC))} #{words.join(' ').split.join(' ')}\n"
end

def say(*words)
  $stdout.write(line(*words))
end

# What cable.yml has.
def cable(name, settings)
  return { adapter: "hubrelay", socket: settings["relay"] } if name == "hubrelay"

  options = { adapter: "redis", channel_prefix: "f", url: "redis://#{settings['address'].join(':')}/0" }
  if settings["sentinels"].any?
    options[:url] = "redis://#{settings['service']}"
    options[:sentinels] = settings["sentinels"].map { |host, port| { host:, port: } }
    options[:role] = "master"
  end
  options.update(reconnect_attempts: 10, reconnect_delay: 0.5, tcp_keepalive: 10) if name == "actioncable_checked"
  options
end

def tell(event)
  case event
  when Hubrelay::Gap then say("told event Gap", event.reasons.join(", "))
  when Hubrelay::Loss, Hubrelay::Revoked then say("told event", event.class.name)
  when Hubrelay::Status then say("told event Status", event.state.upcase, event.cause.upcase) unless event.up?
  end
end

config = ActionCable::Server::Configuration.new
config.cable = cable(ARGV.fetch(0), JSON.parse(ARGV.fetch(1))).with_indifferent_access
config.logger = Logger.new($stdout, level: Logger::WARN)
config.logger.formatter = ->(level, _time, _program, message) { line("told log", level, message) }
ActiveSupport::Notifications.subscribe(/[.]hubrelay$/) { |*, payload| tell(payload[:event]) }

server = ActionCable::Server::Base.new(config:)
server.pubsub.subscribe("numbers", ->(message) { say("message", Integer(message)) })
sleep
