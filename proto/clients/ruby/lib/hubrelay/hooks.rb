# frozen_string_literal: true

module Hubrelay
  # Called around publishes and deliveries, for tracing, in the thread that publishes or takes the message. Override
  # what you need. An exception from a hook goes to the logger, and does not reach the application.
  class Hooks
    # A publish or a post begins. The return value is passed to +after_publish+.
    def before_publish(channel, payload); end

    # The publish or post has ended, with the number of receivers or with an error. A post has no number of receivers,
    # and does not wait for a Reply.
    def after_publish(context, receivers, error); end

    # The application is about to receive this Message.
    def before_delivery(message); end

    # The application has finished with the message: it asks for the next event, or closes.
    def after_delivery(message); end
  end
end
