# frozen_string_literal: true

# An app of Action Cable without the rest of Rails. CABLE is what config/cable.yml has, as JSON. What happens is told to
# the test by lines that begin with "say".

require "action_cable"
require "active_support/all"
require "json"
require "logger"

$stdout.sync = true

def say(what, **values)
  $stdout.write("say #{JSON.generate(what:, pid: Process.pid, time: Time.now.to_f, **values)}\n")
end

module ApplicationCable
  # Users are who they say they are.
  class Connection < ActionCable::Connection::Base
    identified_by :user

    def connect
      self.user = request.params[:user]
    end
  end
end

# The channel of the adapter's page.
module ApplicationCable
  Channel = Class.new(ActionCable::Channel::Base)
end

PAGE = File.read(File.expand_path("../../../../proto/clients/ruby/docs/actioncable.md", __dir__))
eval(PAGE[%r{^```ruby\n(# app/channels/.*?)^```}m, 1]) # rubocop:disable Security/Eval

# A room: who speaks is heard by all who are in it.
class RoomChannel < ActionCable::Channel::Base
  def subscribed
    stream_from params[:room]
  end

  def speak(data)
    ActionCable.server.broadcast(params[:room], { "text" => data["text"] })
  rescue StandardError => e
    transmit({ "refused" => data["text"], "error" => e.class.name })
  end

  def expel(data)
    ActionCable.server.remote_connections.where(user: data["user"]).disconnect
  end

  def who
    transmit({ "pid" => Process.pid })
  end
end

%w[status gap loss revoked].each do |name|
  ActiveSupport::Notifications.subscribe("#{name}.hubrelay") do |*, payload|
    say name, **payload[:event].to_h
  end
end

# So that a test of pings need not wait.
ActionCable::Server::Connections.send(:remove_const, :BEAT_INTERVAL)
ActionCable::Server::Connections::BEAT_INTERVAL = 0.1

ActionCable.server.config.tap do |config|
  config.cable = JSON.parse(ENV.fetch("CABLE")).with_indifferent_access
  config.logger = Logger.new($stderr, level: Logger::WARN)
  config.disable_request_forgery_protection = true
  config.connection_class = -> { ApplicationCable::Connection }
end

# With preload_app! this is done before puma forks: its workers begin with an adapter that is in use. Not by a
# subscription, since that starts Action Cable's event loop, which does not survive a fork, whatever the adapter.
ActionCable.server.broadcast("boot", {})
