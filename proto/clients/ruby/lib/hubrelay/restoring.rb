# frozen_string_literal: true

require_relative "events"
require_relative "names"

module Hubrelay
  # The part of Subscribing that asks each new connection for the names that are held, and reports names that are no
  # longer held.
  # @api private
  module Restoring
    # Asks a connection for these names. Those that it does not grant are reported as Revoked. Returns the Requests.
    def restore(link, names)
      return [] unless link.writable?

      names = names.select(&:wanted?)
      unless link.feature?("patterns")
        lacking, names = names.partition(&:pattern?)
        revoke(lacking, "this relay has no patterns")
      end
      Names.in_frames(names, link.max_frame).map { |portion| ask_again(link, portion) }
    end

    # Makes a connection hold the wanted names, and no others.
    def reconcile(link)
      restore(link, @names.reject { |name| link.asked.include?(name) })
      write_unsubscribes(link, link.asked.reject(&:wanted?))
    end

    # These names are no longer held. Reports that to their subscriptions, which end, and to `events`.
    def revoke(names, detail)
      names = names.select { |name| name.plain || name.held? }
      return if names.empty?

      concerned = listeners_of(names)
      @core.links.each { |link| link.asked.subtract(names) }
      names.each do |name|
        name.wants_plain = false
        plain(name, false)
      end
      concerned.each { |listener, lost| revoke_listener(listener, lost, detail) }
      @core.tell(revoked(names, detail))
      @names.forget_unwanted(names)
      @core.subscriptions_ended
    end

    private

    def ask_again(link, names)
      request = write_subscribe(link, names) do |answered, reply|
        link.restoring.delete(answered)
        unless granted?(reply)
          link.asked.subtract(names)
          @core.gaps.answered(answered, ask_for_the_rest(link, names, reply))
        end
        link.pending = true if reply&.outcome == :pending
        subscribe_answered(link, answered, names, reply)
        @core.restored(link)
      end
      link.restoring.add(request)
      request
    end

    # After a restore was refused: asks again without the refused names. If they are not known, asks for each half.
    # Returns the Requests.
    def ask_for_the_rest(link, names, reply)
      refused = @names.find_entries(reply.channels, reply.patterns) & names
      if !refused.empty?
        revoke(refused, reply.detail)
        restore(link, names - refused)
      elsif names.size == 1
        revoke(names, reply.detail.empty? ? reply.outcome.to_s : reply.detail)
        []
      else
        half = names.size / 2
        restore(link, names.take(half)) + restore(link, names.drop(half))
      end
    end

    # By listener, those of the names whose subscription is in force.
    def listeners_of(names)
      names.each_with_object({}) do |name, found|
        name.listeners.each_key do |listener|
          (found[listener] ||= []) << name if name.queues.key?(listener.queue)
        end
      end
    end

    def revoke_listener(listener, names, detail)
      listener.queue.put(revoked(names, detail))
      listener.queue.finish
      listener.over = true
      release(listener)
    end

    def revoked(names, detail)
      channels, patterns = Names.texts(names)
      Revoked.new(channels:, patterns:, detail:)
    end
  end
  private_constant :Restoring
end
